import assert from "node:assert/strict";
import { once } from "node:events";
import { linkSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { waitFor } from "@xebec/core-async";
import { type Code, XebecError } from "@xebec/core-errors";
import { createMetrics } from "@xebec/core-metrics";
import {
  type CallContext,
  type ChannelTarget,
  createGrpcChannel,
  createGrpcServer,
  type GrpcChannel,
  type GrpcServer,
  type GrpcServerOptions,
  type RawStream,
  rawClientStream,
  rawDuplex,
  rawServerStream,
  rawUnary,
} from "./index.ts";

const LOCAL = { host: "127.0.0.1", port: 0 };
const never = new AbortController().signal;

/** Runs `work` against a server and a channel to it, and closes both. */
async function serving(
  options: Partial<GrpcServerOptions>,
  work: (channel: GrpcChannel, server: GrpcServer) => Promise<void>,
  target: Partial<ChannelTarget> = {},
): Promise<void> {
  const server = createGrpcServer({
    name: "test server",
    address: LOCAL,
    services: [],
    metrics: createMetrics(),
    ...options,
  });
  await server.start(never);
  const channel = createGrpcChannel({ address: { host: "127.0.0.1", port: server.port }, ...target });
  try {
    await work(channel, server);
  } finally {
    channel.close();
    await server.close?.();
  }
}

function failsWith(code: Code, text: RegExp) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof XebecError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, text);
    return true;
  };
}

test("a unary method takes and gives the bytes as they are", async () => {
  const echo = rawUnary("/t.T/Echo", (bytes) => Buffer.concat([bytes, Uint8Array.of(9)]));
  const later = rawUnary("/t.T/Later", async (bytes) => new Uint8Array(bytes));
  await serving({ services: [echo, later] }, async (channel) => {
    assert.deepEqual([...(await channel.unary("/t.T/Echo", Uint8Array.of(1, 2)))], [1, 2, 9]);
    assert.deepEqual([...(await channel.unary("/t.T/Later", Uint8Array.of(7)))], [7]);
    assert.deepEqual([...(await channel.unary("/t.T/Later", Uint8Array.of()))], []);
  });
});

test("the context has peer, headers and deadline", async () => {
  const seen: CallContext[] = [];
  const values: (string | number | undefined)[] = [];
  const method = rawUnary("/t.T/M", (bytes, call) => {
    seen.push(call);
    values.push(call.peer, call.metadata("x-one"), call.metadata("x-none"), call.identity, call.deadlineMs);
    return bytes;
  });
  await serving({ services: [method] }, async (channel) => {
    await channel.unary("/t.T/M", Uint8Array.of(), { metadata: { "x-one": "1" }, timeoutMs: 5_000 });
  });
  const [peer, one, none, identity, deadline] = values;
  assert.match(String(peer), /^127\.0\.0\.1:\d+$/);
  assert.deepEqual([one, none, identity, seen[0]?.path], ["1", undefined, undefined, "/t.T/M"]);
  assert.ok(Number(deadline) > 3_000 && Number(deadline) <= 5_000, String(deadline));
});

test("a XebecError travels with code and public text, any other error without its text", async () => {
  const known = rawUnary("/t.T/Known", () => {
    throw new XebecError("permission_denied", "not for you: \ud800 ü", { detail: "private" });
  });
  const unknown = rawUnary("/t.T/Unknown", () => Promise.reject(new Error("secret of the database")));
  await serving({ services: [known, unknown] }, async (channel) => {
    await assert.rejects(
      channel.unary("/t.T/Known", Uint8Array.of()),
      failsWith("permission_denied", /^not for you: . ü$/),
    );
    await assert.rejects(channel.unary("/t.T/Unknown", Uint8Array.of()), (error: XebecError) => {
      assert.equal(error.code, "internal");
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
    await assert.rejects(channel.unary("/t.T/Absent", Uint8Array.of()), failsWith("unimplemented", /./));
  });
});

test("a message above the limit is refused, and so are headers above the limit", async () => {
  const echo = rawUnary("/t.T/Echo", (bytes) => bytes);
  const limits = { maxMessageBytes: 1_000, maxHeaderBytes: 4_096 };
  await serving({ services: [echo], limits }, async (channel) => {
    assert.equal((await channel.unary("/t.T/Echo", new Uint8Array(1_000))).length, 1_000);
    await assert.rejects(channel.unary("/t.T/Echo", new Uint8Array(1_001)), failsWith("resource_exhausted", /larger/));
    const metadata = { "x-big": "x".repeat(5_000) };
    await assert.rejects(channel.unary("/t.T/Echo", Uint8Array.of(), { metadata }));
    await channel.unary("/t.T/Echo", Uint8Array.of(), { metadata: { "x-big": "x".repeat(2_000) } });
  });
});

test("a handler that takes too long is ended with deadline_exceeded and its signal aborts", async () => {
  let aborted = false;
  const slow = rawUnary("/t.T/Slow", (_bytes, call) => {
    call.signal.addEventListener("abort", () => {
      aborted = true;
    });
    return new Promise(() => {});
  });
  await serving({ services: [slow], limits: { maxCallMs: 50 } }, async (channel) => {
    await assert.rejects(
      channel.unary("/t.T/Slow", Uint8Array.of()),
      failsWith("deadline_exceeded", /longer than 50 ms/),
    );
  });
  assert.ok(aborted);
});

test("a request that never becomes complete is cut off", async () => {
  const echo = rawUnary("/t.T/Echo", (bytes) => bytes);
  await serving({ services: [echo], limits: { maxCallMs: 50 } }, async (_channel, { port }) => {
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    const stream = session.request({
      ":method": "POST",
      ":path": "/t.T/Echo",
      "content-type": "application/grpc",
      te: "trailers",
    });
    let closed = false;
    stream.on("close", () => {
      closed = true;
    });
    stream.on("error", () => {});
    stream.write(Buffer.from([0, 0, 0]));
    await waitFor("the stream is closed by the server", 5_000, () => closed);
    session.destroy();
  });
});

test("a caller that goes away aborts the signal", async () => {
  let aborted = false;
  const stop = new AbortController();
  const slow = rawUnary("/t.T/Slow", (_bytes, call) => {
    call.signal.addEventListener("abort", () => {
      aborted = true;
    });
    stop.abort();
    return new Promise(() => {});
  });
  await serving({ services: [slow] }, async (channel) => {
    await assert.rejects(
      channel.unary("/t.T/Slow", Uint8Array.of(), { signal: stop.signal }),
      failsWith("cancelled", /./),
    );
    await waitFor("the signal aborts", 2_000, () => aborted);
  });
});

test("a duplex stream carries messages both ways, ends with OK or with the error", async () => {
  const talk = rawDuplex("/t.T/Talk", (stream) => {
    stream.onMessage((bytes) => {
      if (bytes[0] === 13) throw new XebecError("invalid_argument", "thirteen is refused");
      stream.write(bytes);
    });
    stream.onEnd(() => stream.end());
  });
  await serving({ services: [talk] }, async (channel) => {
    const got: number[] = [];
    let end: unknown = "open";
    const stream = channel.duplex("/t.T/Talk");
    stream.onMessage((bytes) => got.push(...bytes));
    stream.onEnd((error) => {
      end = error;
    });
    stream.write(Uint8Array.of(1));
    stream.write(Uint8Array.of(2));
    stream.end();
    await waitFor("the end", 2_000, () => end !== "open");
    assert.deepEqual([got, end], [[1, 2], undefined]);

    let failure: XebecError | undefined;
    const second = channel.duplex("/t.T/Talk");
    second.onMessage(() => {});
    second.onEnd((error) => {
      failure = error;
    });
    second.write(Uint8Array.of(13));
    assert.ok(failsWith("invalid_argument", /thirteen/)(await waitFor("the error", 2_000, () => failure)));
  });
});

test("client and server streams", async () => {
  const sum = rawClientStream("/t.T/Sum", (stream) => {
    let total = 0;
    stream.onMessage((bytes) => {
      total += bytes[0] ?? 0;
    });
    stream.onEnd(() => {
      stream.write(Uint8Array.of(total));
      stream.end();
    });
  });
  const count = rawServerStream("/t.T/Count", (bytes, stream) => {
    for (let i = 0; i < (bytes[0] ?? 0); i++) stream.write(Uint8Array.of(i));
    stream.end();
  });
  await serving({ services: [sum, count] }, async (channel) => {
    const run = async (path: string, inputs: number[]): Promise<number[]> => {
      const got: number[] = [];
      let ended = false;
      const stream = channel.duplex(path);
      stream.onMessage((bytes) => got.push(...bytes));
      stream.onEnd((error) => {
        assert.equal(error, undefined);
        ended = true;
      });
      for (const each of inputs) stream.write(Uint8Array.of(each));
      stream.end();
      await waitFor("the end", 2_000, () => ended);
      return got;
    };
    assert.deepEqual(await run("/t.T/Sum", [1, 2, 3]), [6]);
    assert.deepEqual(await run("/t.T/Count", [3]), [0, 1, 2]);
  });
});

test("a reader that is slow makes write return false, and onDrain follows once it reads", async () => {
  let server: RawStream | undefined;
  let drained = 0;
  const flood = rawDuplex("/t.T/Flood", (stream) => {
    server = stream;
    stream.onDrain(() => {
      drained++;
    });
    const chunk = new Uint8Array(4 << 10);
    let written = 0;
    while (stream.write(chunk)) written++;
    assert.ok(written < 300, `${written} chunks were taken without a stop`);
  });
  await serving({ services: [flood] }, async (_channel, { port }) => {
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    const headers = { ":method": "POST", ":path": "/t.T/Flood", "content-type": "application/grpc", te: "trailers" };
    const reader = session.request(headers);
    reader.on("error", () => {});
    const stream = await waitFor("the flood", 2_000, () => server);
    await waitFor("the windows are full", 2_000, () => stream.queuedBytes < 1 << 20);
    assert.ok(stream.queuedBytes > 900_000, String(stream.queuedBytes));
    assert.equal(drained, 0);
    reader.resume();
    await waitFor("the drain", 5_000, () => drained === 1 && stream.queuedBytes === 0);
    reader.close(8);
    await waitFor("the server's stream is closed", 2_000, () => stream.closed);
    assert.equal(stream.write(Uint8Array.of(1)), false);
    session.destroy();
  });
});

test("abort ends a stream at once whose peer does not read", async () => {
  let server: RawStream | undefined;
  let ended = false;
  const flood = rawDuplex("/t.T/Flood", (stream) => {
    server = stream;
    stream.onClose(() => {
      ended = true;
    });
    stream.write(new Uint8Array(1 << 20));
  });
  await serving({ services: [flood] }, async (_channel, { port }) => {
    const session = connectHttp2(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 0 } });
    const headers = { ":method": "POST", ":path": "/t.T/Flood", "content-type": "application/grpc", te: "trailers" };
    const reader = session.request(headers);
    reader.on("error", () => {});
    const stream = await waitFor("the flood", 2_000, () => server);
    stream.abort();
    await waitFor("the end on both sides", 2_000, () => ended && stream.closed && reader.closed);
    assert.equal(reader.rstCode, 8);
    stream.abort();
    session.destroy();
  });
});

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

test("onEnd and onClose are each called once when the peer vanishes", async () => {
  const calls: string[] = [];
  let open = false;
  const talk = rawDuplex("/t.T/Talk", (stream, call) => {
    open = true;
    call.signal.addEventListener("abort", () => calls.push("abort"));
    stream.onMessage(() => {});
    stream.onEnd(() => calls.push("end"));
    stream.onClose(() => calls.push("close"));
  });
  await serving({ services: [talk] }, async (channel) => {
    const stream = channel.duplex("/t.T/Talk");
    stream.onEnd(() => {});
    await waitFor("the stream", 2_000, () => open);
    stream.cancel();
    await waitFor("the close", 2_000, () => calls.length >= 3);
    assert.deepEqual(calls.sort(), ["abort", "close", "end"]);
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

test("a port in use is refused with the port's number", async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const { port } = other.address() as { port: number };
  const server = createGrpcServer({
    name: "pilot xDS",
    address: { host: "127.0.0.1", port },
    services: [],
    metrics: createMetrics(),
  });
  await assert.rejects(
    server.start(never),
    failsWith("failed_precondition", new RegExp(`pilot xDS: port ${port} on 127.0.0.1 is in use`)),
  );
  other.close();
});

test("only the given address is bound", async () => {
  await serving({ address: { host: "127.0.0.2", port: 0 } }, async (_channel, { port }) => {
    const failure = await new Promise<string>((resolve) => {
      const probe = connect(port, "127.0.0.1", () => resolve("connected"));
      probe.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? ""));
    });
    assert.equal(failure, "ECONNREFUSED");
  });
});

test("a Unix socket serves, is private, replaces a stale one and refuses a live one", async () => {
  const folder = mkdtempSync(join(tmpdir(), "xebec-grpc-"));
  const path = join(folder, "s.sock");
  const echo = rawUnary("/t.T/Echo", (bytes) => bytes);
  const options = { name: "sds", address: { path }, services: [echo], metrics: createMetrics() };
  try {
    await serving(
      options,
      async (channel) => {
        assert.deepEqual([...(await channel.unary("/t.T/Echo", Uint8Array.of(4)))], [4]);
        assert.equal(statSync(path).mode & 0o777, 0o600);
        await assert.rejects(createGrpcServer(options).start(never), failsWith("failed_precondition", /in use/));
      },
      { address: { path } },
    );
    const killed = createServer().listen(`${path}.first`);
    await once(killed, "listening");
    linkSync(`${path}.first`, path);
    killed.close();
    await once(killed, "close");
    assert.ok(statSync(path).isSocket());
    await serving(
      options,
      async (channel) => {
        assert.deepEqual([...(await channel.unary("/t.T/Echo", Uint8Array.of(6)))], [6]);
      },
      { address: `unix:${path}` },
    );
    const long = createGrpcServer({ ...options, address: { path: `/tmp/${"x".repeat(120)}` } });
    await assert.rejects(long.start(never), failsWith("invalid_argument", /longer than 107/));
  } finally {
    rmSync(folder, { recursive: true });
  }
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
