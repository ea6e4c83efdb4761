import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectHttp2, constants } from "node:http2";
import { connect } from "node:net";
import { describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { echo, talk } from "./echo.testkit.ts";
import { framed } from "./framing.ts";
import { createGrpcChannel, rawUnary } from "./index.ts";
import { ask, open, withRawSession } from "./raw-client.testkit.ts";

describe("a connection", () => {
  it("is asked to go away on close, finishes its call, and takes no new one", async () => {
    let answer: ((bytes: Uint8Array) => void) | undefined;
    const slow = rawUnary("/t.T/Slow", () => new Promise<Uint8Array>((resolve) => (answer = resolve)));
    await withRawSession({ services: [slow] }, async (session, server) => {
      const running = ask(session, "/t.T/Slow");
      await waitFor("the call", 2_000, () => answer);
      const goaway = once(session, "goaway");
      const closed = server.close?.();
      const [code] = await goaway;
      assert.equal(code, constants.NGHTTP2_NO_ERROR);
      answer?.(Uint8Array.of(3));
      assert.deepEqual((await running).messages, [Buffer.of(3)]);
      await closed;
    });
  });

  it("is cut when it does not drain in time", async () => {
    const never = rawUnary("/t.T/Never", () => new Promise<Uint8Array>(() => {}));
    await withRawSession({ services: [never], limits: { drainMs: 20 } }, async (session, server) => {
      const gone = once(session, "close");
      const stream = open(session, "/t.T/Never");
      stream.end(framed(Uint8Array.of()));
      await once(session, "remoteSettings");
      await server.close?.();
      await gone;
    });
  });

  it("holds only so many streams", async () => {
    const held: ((bytes: Uint8Array) => void)[] = [];
    const slow = rawUnary("/t.T/Slow", () => new Promise<Uint8Array>((resolve) => held.push(resolve)));
    await withRawSession({ services: [slow], limits: { maxStreamsPerConnection: 2 } }, async (session) => {
      const [settings] = await once(session, "remoteSettings");
      assert.equal(settings.maxConcurrentStreams, 2);
      const calls = [1, 2, 3].map(() => ask(session, "/t.T/Slow"));
      await waitFor("two calls", 2_000, () => held.length === 2);
      held[0]?.(Uint8Array.of());
      await waitFor("the third follows", 2_000, () => held.length === 3);
      for (const each of held) each(Uint8Array.of());
      assert.deepEqual(
        (await Promise.all(calls)).map((each) => each.grpcStatus),
        ["0", "0", "0"],
      );
    });
  });

  it("whose headers are larger than the limit loses that call, not the others", async () => {
    await withRawSession({ services: [echo], limits: { maxHeaderBytes: 4_096 } }, async (session) => {
      await once(session, "remoteSettings");
      const big = await ask(session, "/t.T/Echo", Uint8Array.of(), { "x-big": "x".repeat(6_000) });
      assert.equal(big.grpcStatus, undefined);
      assert.equal((await ask(session, "/t.T/Echo")).grpcStatus, "0");
    });
  });

  for (const [what, bytes] of [
    ["sends nothing", ""],
    ["speaks HTTP/1", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["stops within the preface", "PRI * HTTP/2.0\r\n"],
  ] as const)
    it(`that ${what} is ended`, async () => {
      await withRawSession({ services: [echo], limits: { handshakeMs: 50 } }, async (_session, server) => {
        const socket = connect(server.port, "127.0.0.1");
        socket.on("error", () => {});
        socket.resume();
        const ended = once(socket, "close");
        if (bytes) socket.write(bytes);
        await ended;
      });
    });

  it("that is idle is closed, and one with a stream is not", async () => {
    await withRawSession({ services: [echo, talk], limits: { idleMs: 50 } }, async (session, server) => {
      const busy = open(session, "/t.T/Talk");
      busy.write(framed(Uint8Array.of(1)));
      const idle = connectHttp2(`http://127.0.0.1:${server.port}`);
      await once(idle, "close");
      assert.equal(session.closed, false);
      busy.resume();
      busy.end();
      await once(session, "close");
    });
  });

  it("that is silent is asked for a sign of life, and stays when it gives one", async () => {
    await withRawSession({ services: [talk], limits: { keepaliveMs: 50 } }, async (session) => {
      let pings = 0;
      session.on("ping", () => pings++);
      const stream = open(session, "/t.T/Talk");
      await waitFor("two pings", 5_000, () => pings >= 2);
      assert.equal(session.destroyed, false);
      stream.close();
    });
  });

  it("that opens and resets calls without end is cut off", async () => {
    await withRawSession({ services: [echo] }, async (session) => {
      await once(session, "remoteSettings");
      let opened = 0;
      while (!session.destroyed && !session.closed && opened < 20_000) {
        for (let i = 0; i < 200 && !session.closed && !session.destroyed; i++, opened++)
          open(session, "/t.T/Echo").close(constants.NGHTTP2_CANCEL);
        await new Promise((resolve) => setImmediate(resolve));
      }
      assert.ok(opened < 20_000, "the server let 20,000 resets pass");
    });
  });

  it("takes many headers up to its limit", async () => {
    await withRawSession({ services: [echo] }, async (session) => {
      const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`x-${i}`, "y"]));
      assert.equal((await ask(session, "/t.T/Echo", Uint8Array.of(), many(350))).grpcStatus, "0");
      assert.equal((await ask(session, "/t.T/Echo", Uint8Array.of(), many(600))).grpcStatus, undefined);
    });
  });

  it("that pings without end is told to calm down, and one that pings now and then is not", async () => {
    await withRawSession({ services: [echo] }, async (session) => {
      await once(session, "remoteSettings");
      for (let i = 0; i < 100; i++) await new Promise((resolve) => session.ping(resolve));
      assert.equal((await ask(session, "/t.T/Echo")).grpcStatus, "0");
      const goaway = once(session, "goaway");
      let ended = false;
      session.once("close", () => {
        ended = true;
      });
      for (let sent = 0; !ended && !session.destroyed && sent < 50_000; ) {
        // Node lets ten pings wait for their answers.
        const answers = Array.from({ length: 10 }, () => new Promise((resolve) => session.ping(resolve) || resolve(0)));
        sent += 10;
        await Promise.race([Promise.all(answers), once(session, "close")]);
      }
      const [code, , data] = await goaway;
      assert.deepEqual([code, String(data)], [constants.NGHTTP2_ENHANCE_YOUR_CALM, "too_many_pings"]);
    });
  });

  it("is one of many", async () => {
    await withRawSession({ services: [echo] }, async (_session, server) => {
      const channels = Array.from({ length: 100 }, () => createGrpcChannel({ address: `127.0.0.1:${server.port}` }));
      const answers = await Promise.all(
        channels.flatMap((channel, n) => [1, 2, 3].map((k) => channel.unary("/t.T/Echo", Uint8Array.of(n, k)))),
      );
      assert.deepEqual(
        answers.map((each) => [...each]),
        channels.flatMap((_, n) => [1, 2, 3].map((k) => [n, k])),
      );
      for (const channel of channels) channel.close();
    });
  });
});
