import assert from "node:assert/strict";
import type { OutgoingHttpHeaders } from "node:http2";
import { describe, it } from "node:test";
import { deflateSync, gzipSync } from "node:zlib";
import { waitFor } from "@xebec/core-async";
import { echo, talk } from "./echo.testkit.ts";
import { framed } from "./framing.ts";
import { type RawStream, rawDuplex } from "./index.ts";
import { ask, compressedFrame, open, responseOf, withRawSession } from "./raw-client.testkit.ts";
import { percentEncoded } from "./response.ts";

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
