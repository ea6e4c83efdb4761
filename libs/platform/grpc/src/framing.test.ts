import assert from "node:assert/strict";
import { once } from "node:events";
import { PassThrough } from "node:stream";
import { describe, it } from "node:test";
import { XebecError } from "@xebec/core-errors";
import fc from "fast-check";
import { framed, MessageReader, writeMessage } from "./framing.ts";

const LIMIT = 20_000;

/** Cuts bytes at the given places, each taken modulo what is left. */
function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const size = 1 + ((sizes[i % sizes.length] ?? 0) % (bytes.length - at));
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

function readAll(
  chunks: readonly Buffer[],
  reader = new MessageReader(LIMIT),
): { bytes: Buffer; compressed: boolean }[] {
  const out: { bytes: Buffer; compressed: boolean }[] = [];
  for (const chunk of chunks) {
    reader.add(chunk);
    for (let bytes = reader.next(); bytes !== undefined; bytes = reader.next())
      out.push({ bytes, compressed: reader.compressed });
  }
  return out;
}

const message = fc.record({
  bytes: fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.integer({ min: 0, max: LIMIT }).map((n) => new Uint8Array(n).fill(n)),
  ),
  compressed: fc.boolean(),
});

describe("framing", () => {
  it("any chunking of the bytes gives the same messages", () => {
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 6 }),
        fc.array(fc.oneof(fc.integer({ min: 0, max: 6 }), fc.nat(9_000)), { minLength: 1 }),
        fc.boolean(),
        (messages, sizes, late) => {
          const wire = messages.map(({ bytes, compressed }) => {
            const out = framed(bytes);
            out[0] = compressed ? 1 : 0;
            return out;
          });
          const chunks = cut(Buffer.concat(wire), sizes);
          const reader = new MessageReader(LIMIT);
          // Late: all chunks are given before the first message is asked for, as after a pause.
          if (late) for (const chunk of chunks) reader.add(chunk);
          const got = readAll(late ? [Buffer.alloc(0)] : chunks, reader);
          assert.deepEqual(
            got.map((each) => [Buffer.from(each.bytes).toString("hex"), each.compressed]),
            messages.map((each) => [Buffer.from(each.bytes).toString("hex"), each.compressed]),
          );
          assert.equal(reader.unfinished, false);
        },
      ),
    );
  });

  it("a stream that was cut off is unfinished, wherever the cut is", () => {
    const bytes = framed(Buffer.from("hello"));
    for (let length = 1; length < bytes.length; length++) {
      const reader = new MessageReader(LIMIT);
      assert.deepEqual(readAll([bytes.subarray(0, length)], reader), []);
      assert.equal(reader.unfinished, true, `${length} bytes`);
    }
  });

  it("what is kept of an unfinished message is its own copy", () => {
    const bytes = framed(Buffer.from("hello"));
    const reader = new MessageReader(LIMIT);
    const first = Buffer.from(bytes.subarray(0, 7));
    readAll([first], reader);
    first.fill(0);
    assert.deepEqual(
      readAll([bytes.subarray(7)], reader).map((each) => each.bytes.toString()),
      ["hello"],
    );
  });

  for (const [what, prefix, code, text] of [
    [
      "a length above the limit",
      [0, 0, 0, 0x4e, 0x21],
      "resource_exhausted",
      /20001 bytes is larger than the limit of 20000/,
    ],
    ["the largest length", [0, 0xff, 0xff, 0xff, 0xff], "resource_exhausted", /4294967295 bytes/],
    ["an unknown flag", [2, 0, 0, 0, 0], "internal", /begins with the byte 2/],
  ] as const)
    it(`${what} is refused before the message comes, in one chunk or byte by byte`, () => {
      const failure = (error: unknown): boolean => {
        assert.ok(error instanceof XebecError);
        assert.equal(error.code, code);
        assert.match(error.message, text);
        return true;
      };
      assert.throws(() => readAll([Buffer.from(prefix)]), failure);
      assert.throws(() => readAll(cut(Buffer.from(prefix), [0])), failure);
    });

  for (const size of [0, 1, 16 << 10, (16 << 10) + 1, 1 << 20])
    it(`a message of ${size} bytes is written so that it is read again`, async () => {
      const pipe = new PassThrough({ highWaterMark: 4 << 20 });
      const bytes = Buffer.alloc(size, 7);
      let written = 0;
      writeMessage(pipe, bytes, () => written++);
      pipe.end();
      const chunks: Buffer[] = [];
      pipe.on("data", (chunk: Buffer) => chunks.push(chunk));
      await once(pipe, "end");
      const got = readAll(chunks, new MessageReader(1 << 20));
      assert.equal(got.length, 1);
      assert.ok(got[0]?.bytes.equals(bytes));
      assert.equal(written, 1);
    });
});
