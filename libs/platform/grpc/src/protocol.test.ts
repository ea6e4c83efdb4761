import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectHttp2, constants, type OutgoingHttpHeaders } from "node:http2";
import { connect } from "node:net";
import { describe, it } from "node:test";
import { deflateSync, gzipSync } from "node:zlib";
import { waitFor } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import { createMetrics } from "@xebec/core-metrics";
import { framed } from "./framing.ts";
import { type CallContext, createGrpcChannel, type RawStream, rawDuplex, rawUnary } from "./index.ts";
import { ask, compressedFrame, open, responseOf, withRawSession } from "./raw-client.testkit.ts";
import { percentEncoded } from "./response.ts";

const echo = rawUnary("/t.T/Echo", (bytes) => bytes);
const talk = rawDuplex("/t.T/Talk", (stream) => {
  stream.onMessage((bytes) => stream.write(bytes));
  stream.onEnd(() => stream.end());
});

const requests: readonly {
  what: string;
  path?: string;
  headers?: OutgoingHttpHeaders;
  http: number;
  grpc?: string;
  text?: RegExp;
}[] = [
  { what: "an ordinary call", http: 200, grpc: "0" },
  { what: "a named message format", headers: { "content-type": "application/grpc+proto" }, http: 200, grpc: "0" },
  { what: "a parameter", headers: { "content-type": "application/grpc;charset=utf-8" }, http: 200, grpc: "0" },
  { what: "no te", headers: { te: undefined }, http: 200, grpc: "0" },
  { what: "gRPC-Web", headers: { "content-type": "application/grpc-web" }, http: 415 },
  { what: "JSON", headers: { "content-type": "application/json" }, http: 415 },
  { what: "no content type", headers: { "content-type": undefined }, http: 415 },
  { what: "another HTTP method", headers: { ":method": "PUT" }, http: 405 },
  { what: "a method that is not there", path: "/t.T/None", http: 200, grpc: "12", text: /t\.T\/None is not offered/ },
  { what: "an unknown encoding", headers: { "grpc-encoding": "br" }, http: 200, grpc: "12", text: /br.*deflate,gzip/ },
  { what: "a timeout in hours", headers: { "grpc-timeout": "99999999H" }, http: 200, grpc: "0" },
  { what: "a timeout in nanoseconds", headers: { "grpc-timeout": "99999999n" }, http: 200, grpc: "0" },
  {
    what: "a timeout without unit",
    headers: { "grpc-timeout": "100" },
    http: 200,
    grpc: "3",
    text: /"100" is not a time/,
  },
  {
    what: "a timeout of nine digits",
    headers: { "grpc-timeout": "123456789m" },
    http: 200,
    grpc: "3",
    text: /is not a time/,
  },
];

describe("a request is taken or refused by its headers:", () => {
  for (const { what, path, headers, http, grpc, text } of requests)
    for (const target of path ? [path] : ["/t.T/Echo", "/t.T/Talk"])
      it(`${what}, ${target}`, async () => {
        await withRawSession({ services: [echo, talk] }, async (session) => {
          const got = await ask(session, target, Uint8Array.of(5), headers);
          assert.deepEqual([got.headers[":status"], got.grpcStatus], [http, grpc]);
          if (grpc === "0") assert.deepEqual(got.messages, [Buffer.of(5)]);
          if (grpc !== "0" && http === 200) assert.equal(got.headers["grpc-accept-encoding"], "identity,deflate,gzip");
          if (text) assert.match(decodeURIComponent(got.grpcMessage ?? ""), text);
        });
      });
});

describe("messages", () => {
  const bytes = Buffer.from("hello ".repeat(100));
  const bomb = gzipSync(Buffer.alloc(1 << 20));
  const bodies: readonly { what: string; headers?: OutgoingHttpHeaders; body: Buffer; grpc: string; text?: RegExp }[] =
    [
      { what: "gzip", headers: { "grpc-encoding": "gzip" }, body: compressedFrame(gzipSync(bytes)), grpc: "0" },
      {
        what: "deflate",
        headers: { "grpc-encoding": "deflate" },
        body: compressedFrame(deflateSync(bytes)),
        grpc: "0",
      },
      { what: "plain in a gzip call", headers: { "grpc-encoding": "gzip" }, body: framed(bytes), grpc: "0" },
      { what: "identity, named", headers: { "grpc-encoding": "identity" }, body: framed(bytes), grpc: "0" },
      {
        what: "compressed without an encoding",
        body: compressedFrame(bytes),
        grpc: "13",
        text: /names no grpc-encoding/,
      },
      {
        what: "no gzip at all",
        headers: { "grpc-encoding": "gzip" },
        body: compressedFrame(bytes),
        grpc: "13",
        text: /not valid gzip/,
      },
      {
        what: "larger than the limit once decompressed",
        headers: { "grpc-encoding": "gzip" },
        body: compressedFrame(bomb),
        grpc: "8",
        text: /limit of 10000/,
      },
      { what: "larger than the limit", body: framed(Buffer.alloc(10_001)), grpc: "8", text: /10001 bytes is larger/ },
      { what: "an unknown flag", body: Buffer.of(7, 0, 0, 0, 0), grpc: "13", text: /byte 7/ },
      { what: "cut off", body: framed(bytes).subarray(0, 50), grpc: "13", text: /cut off/ },
    ];
  for (const { what, headers, body, grpc, text } of bodies)
    for (const path of ["/t.T/Echo", "/t.T/Talk"])
      it(`${what}, ${path}`, async () => {
        await withRawSession({ services: [echo, talk], limits: { maxMessageBytes: 10_000 } }, async (session) => {
          const stream = open(session, path, headers);
          const answer = responseOf(stream);
          stream.end(body);
          const got = await answer;
          assert.equal(got.grpcStatus, grpc, got.grpcMessage);
          if (grpc === "0") assert.deepEqual(got.messages, [bytes]);
          if (text) assert.match(decodeURIComponent(got.grpcMessage ?? ""), text);
        });
      });

  it("an announced length above the limit is refused at once, while the caller has not ended", async () => {
    await withRawSession({ services: [echo] }, async (session) => {
      const stream = open(session, "/t.T/Echo");
      const answer = responseOf(stream);
      stream.write(Buffer.of(0, 0xff, 0xff, 0xff, 0xff));
      assert.equal((await answer).grpcStatus, "8");
    });
  });

  it("a unary call takes exactly one", async () => {
    await withRawSession({ services: [echo] }, async (session) => {
      for (const [body, text] of [
        [Buffer.alloc(0), /none came/],
        [Buffer.concat([framed(Buffer.of(1)), framed(Buffer.of(2))]), /more than one came/],
      ] as const) {
        const stream = open(session, "/t.T/Echo");
        const answer = responseOf(stream);
        stream.end(body);
        const got = await answer;
        assert.equal(got.grpcStatus, "12");
        assert.match(decodeURIComponent(got.grpcMessage ?? ""), text);
      }
    });
  });

  it("compressed and plain ones keep their order, also across a pause", async () => {
    const got: string[] = [];
    let server: RawStream | undefined;
    const slow = rawDuplex("/t.T/Slow", (stream) => {
      server = stream;
      stream.onMessage((each) => {
        got.push(each.toString());
        if (each.toString() === "b") stream.pause();
      });
      stream.onEnd(() => {
        got.push("end");
        stream.end();
      });
    });
    await withRawSession({ services: [slow] }, async (session) => {
      const stream = open(session, "/t.T/Slow", { "grpc-encoding": "gzip" });
      const answer = responseOf(stream);
      const packed = (text: string): Buffer => compressedFrame(gzipSync(text));
      const plain = (text: string): Buffer => framed(Buffer.from(text));
      stream.end(Buffer.concat([packed("a"), plain("b"), packed("c"), plain("d"), plain("e")]));
      await waitFor("the pause", 2_000, () => got.length === 2);
      assert.equal((await ask(session, "/t.T/None")).grpcStatus, "12", "the connection goes on");
      assert.deepEqual(got, ["a", "b"]);
      server?.resume();
      assert.equal((await answer).grpcStatus, "0");
      assert.deepEqual(got, ["a", "b", "c", "d", "e", "end"]);
    });
  });

  it("a paused stream holds its writer back and nobody else on the connection", async () => {
    let server: RawStream | undefined;
    let bytesIn = 0;
    const slow = rawDuplex("/t.T/Slow", (stream) => {
      server = stream;
      stream.onMessage((each) => {
        bytesIn += each.length;
      });
      stream.onEnd(() => stream.end());
      stream.pause();
    });
    await withRawSession({ services: [slow, echo] }, async (session) => {
      const stream = open(session, "/t.T/Slow");
      const answer = responseOf(stream);
      for (let i = 0; i < 64; i++) stream.write(framed(Buffer.alloc(16 << 10)));
      stream.end();
      const after = await ask(session, "/t.T/Echo", Buffer.alloc(100_000));
      assert.equal(after.grpcStatus, "0");
      assert.equal(bytesIn, 0);
      assert.ok(stream.bufferSize > 500_000, `${stream.bufferSize} bytes still wait at the writer`);
      server?.resume();
      assert.equal((await answer).grpcStatus, "0");
      assert.equal(bytesIn, 64 << 14);
    });
  });

  it("a status text travels percent-encoded", () => {
    for (const [text, wire] of [
      ["plain text, with punctuation: ~!", "plain text, with punctuation: ~!"],
      ["100 %", "100 %25"],
      ["a\nb\u0000\u007f", "a%0Ab%00%7F"],
      ["ü € 😀", "%C3%BC %E2%82%AC %F0%9F%98%80"],
    ] as const) {
      assert.equal(percentEncoded(text), wire);
      assert.equal(decodeURIComponent(wire), text);
    }
  });
});

describe("a call ends", () => {
  it("when its caller's deadline passes, and its signal aborts", async () => {
    const calls: CallContext[] = [];
    const never = rawUnary("/t.T/Never", (_bytes, call) => {
      calls.push(call);
      return new Promise(() => {});
    });
    const open = rawDuplex("/t.T/Open", (stream, call) => {
      calls.push(call);
      stream.onMessage(() => {});
    });
    await withRawSession({ services: [never, open] }, async (session) => {
      for (const path of ["/t.T/Never", "/t.T/Open"]) {
        const got = await ask(session, path, Uint8Array.of(), { "grpc-timeout": "20m" });
        assert.equal(got.grpcStatus, "4");
        assert.match(got.grpcMessage ?? "", /longer than 20 ms/);
      }
      await waitFor("both signals", 2_000, () => calls.length === 2 && calls.every((call) => call.signal.aborted));
      assert.deepEqual(
        calls.map((call) => call.deadlineMs),
        [20, 20],
      );
    });
  });

  for (const code of [constants.NGHTTP2_CANCEL, constants.NGHTTP2_NO_ERROR, constants.NGHTTP2_INTERNAL_ERROR])
    it(`when its caller resets it with code ${code}, also while it is paused`, async () => {
      const seen: string[] = [];
      const metrics = createMetrics();
      const never = rawUnary("/t.T/Never", (_bytes, call) => {
        call.signal.addEventListener("abort", () => seen.push("unary"));
        seen.push("begun");
        return new Promise(() => {});
      });
      const paused = rawDuplex("/t.T/Paused", (stream) => {
        stream.onMessage(() => {});
        stream.onClose(() => seen.push("stream"));
        stream.pause();
        seen.push("begun");
      });
      await withRawSession({ services: [never, paused], metrics }, async (session) => {
        const unary = open(session, "/t.T/Never");
        const stream = open(session, "/t.T/Paused");
        unary.end(framed(Uint8Array.of()));
        stream.write(framed(Buffer.alloc(1_000)));
        await waitFor("both", 2_000, () => seen.length === 2);
        unary.close(code);
        stream.close(code);
        await waitFor("both ends", 2_000, () => seen.length === 4);
        assert.deepEqual(seen.slice(2).sort(), ["stream", "unary"]);
      });
      const text = await metrics.registry.metrics();
      for (const method of ["Never", "Paused"])
        assert.match(
          text,
          new RegExp(`handled_total\\{server="raw test",method="/t.T/${method}",code="cancelled"\\} 1`),
        );
      assert.match(text, /grpc_server_streams\{server="raw test"\} 0/);
    });

  it("when its connection breaks, also in the middle of a message", async () => {
    const metrics = createMetrics();
    const seen: string[] = [];
    const half = rawUnary("/t.T/Half", () => assert.fail("half a request was handled"));
    const duplex = rawDuplex("/t.T/Duplex", (stream, call) => {
      stream.onMessage(() => seen.push("message"));
      stream.onEnd(() => seen.push("end"));
      stream.onClose(() => seen.push(`close, aborted: ${call.signal.aborted}`));
    });
    await withRawSession({ services: [half, duplex], metrics }, async (session) => {
      open(session, "/t.T/Half").write(framed(Buffer.alloc(100)).subarray(0, 50));
      const stream = open(session, "/t.T/Duplex");
      stream.write(framed(Buffer.alloc(100)));
      stream.write(framed(Buffer.alloc(100)).subarray(0, 50));
      await waitFor("the message", 2_000, () => seen.length === 1);
      session.socket.destroy();
      await waitFor("the close", 2_000, () => seen.length === 3);
    });
    assert.deepEqual(seen, ["message", "end", "close, aborted: true"]);
    const text = await metrics.registry.metrics();
    for (const method of ["Half", "Duplex"])
      assert.match(text, new RegExp(`server="raw test",method="/t.T/${method}",code="cancelled"\\} 1`));
  });

  it("when the server answers early: the caller gets the status, then a reset", async () => {
    const full = rawDuplex("/t.T/Full", (stream) => {
      stream.write(Uint8Array.of(1));
      stream.fail(new XebecError("resource_exhausted", "full"));
    });
    await withRawSession({ services: [full] }, async (session) => {
      const stream = open(session, "/t.T/Full");
      const got = await responseOf(stream);
      assert.deepEqual([got.grpcStatus, got.grpcMessage, got.messages.length], ["8", "full", 1]);
      assert.equal(got.resetCode, constants.NGHTTP2_NO_ERROR);
    });
  });

  it("and is counted once, whatever its path was", async () => {
    const metrics = createMetrics();
    await withRawSession({ services: [echo], metrics }, async (session) => {
      for (let i = 0; i < 3; i++) await ask(session, "/t.T/Echo");
      for (let i = 0; i < 3; i++) await ask(session, `/t.T/None${i}`);
    });
    const text = await metrics.registry.metrics();
    assert.match(text, /handled_total\{server="raw test",method="\/t.T\/Echo",code="ok"\} 3/);
    assert.match(text, /handled_total\{server="raw test",method="unknown",code="unimplemented"\} 3/);
  });
});

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
