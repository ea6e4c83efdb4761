import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { waitFor } from "@xebec/core-async";
import type { XebecError } from "@xebec/core-errors";
import { createGrpcChannel, rawDuplex, rawUnary } from "./index.ts";
import { failsWith, serving } from "./serving.testkit.ts";

test("a connection that is old is closed, its streams with status OK, and the client comes back on another", async () => {
  const peers = new Set<string>();
  const talk = rawDuplex("/t.T/Talk", (stream, call) => {
    peers.add(call.peer);
    stream.onMessage(() => {});
  });
  await serving({ services: [talk], limits: { maxConnectionAgeMs: 300 } }, async (channel) => {
    for (let i = 0; i < 2; i++) {
      const stream = channel.duplex("/t.T/Talk");
      let end: { error: unknown } | undefined;
      stream.onEnd((error) => {
        end = { error };
      });
      stream.write(Uint8Array.of(1));
      const { error } = await waitFor("the end", 5_000, () => end);
      assert.equal(error, undefined);
    }
    assert.equal(peers.size, 2);
  });
});

test("close ends streams with unavailable and lets a running call finish", async () => {
  let answer: ((bytes: Uint8Array) => void) | undefined;
  const slow = rawUnary("/t.T/Slow", () => new Promise<Uint8Array>((resolve) => (answer = resolve)));
  let open = false;
  const talk = rawDuplex("/t.T/Talk", () => {
    open = true;
  });
  await serving({ services: [slow, talk] }, async (channel, server) => {
    let failure: XebecError | undefined;
    const stream = channel.duplex("/t.T/Talk");
    stream.onEnd((error) => {
      failure = error;
    });
    stream.onMessage(() => {});
    const pending = channel.unary("/t.T/Slow", Uint8Array.of());
    await waitFor("both", 2_000, () => open && answer);
    const closed = server.close?.();
    answer?.(Uint8Array.of(5));
    assert.deepEqual([...(await pending)], [5]);
    assert.ok(failsWith("unavailable", /shutting down/)(await waitFor("the end", 2_000, () => failure)));
    await closed;
  });
});

test("connections above the limit are refused while all are busy; an idle one makes room", async () => {
  const echo = rawUnary("/t.T/Echo", (bytes) => bytes);
  let answer = (): void => {};
  let isAsked = false;
  const slow = rawUnary("/t.T/Slow", async () => {
    isAsked = true;
    await new Promise<void>((resolve) => {
      answer = resolve;
    });
    return Buffer.from("at last");
  });
  await serving({ services: [echo, slow], limits: { maxConnections: 1 } }, async (channel, { port }) => {
    const waiting = channel.unary("/t.T/Slow", Uint8Array.of());
    await waitFor("it is asked", 5_000, () => isAsked);
    const second = createGrpcChannel({ address: `127.0.0.1:${port}` });
    await assert.rejects(second.unary("/t.T/Echo", Uint8Array.of(), { timeoutMs: 2_000 }));
    second.close();
    answer();
    assert.equal((await waiting).toString(), "at last");
    const third = createGrpcChannel({ address: `127.0.0.1:${port}` });
    assert.equal((await third.unary("/t.T/Echo", Buffer.from("x"), { timeoutMs: 5_000 })).toString(), "x");
    third.close();
  });
});

test("connections that say nothing starve nobody", async () => {
  const echo = rawUnary("/t.T/Echo", (bytes) => bytes);
  await serving(
    { services: [echo], limits: { maxConnections: 20, maxConnectionsPerAddress: 12 } },
    async (_, { port }) => {
      const sockets: Socket[] = [];
      try {
        for (const localAddress of ["127.0.0.1", "127.0.0.1", "127.0.0.2", "127.0.0.3"]) {
          const more = Array.from({ length: 30 }, () => connect({ port, host: "127.0.0.1", localAddress }));
          sockets.push(...more);
          for (const each of more) each.on("error", () => {});
          await Promise.all(more.map((each) => new Promise((resolve) => each.once("connect", resolve))));
          const channel = createGrpcChannel({ address: `127.0.0.1:${port}` });
          assert.equal((await channel.unary("/t.T/Echo", Buffer.from("x"), { timeoutMs: 5_000 })).toString(), "x");
          channel.close();
        }
      } finally {
        for (const each of sockets) each.destroy();
      }
    },
  );
});
