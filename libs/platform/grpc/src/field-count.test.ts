import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { XebecError } from "@xebec/core-errors";
import { checkFields } from "./field-count.ts";
import { rawClientStream, rawUnary } from "./index.ts";
import { ask, withRawSession } from "./raw-client.testkit.ts";

const repeat = (part: readonly number[], times: number): Buffer =>
  Buffer.concat(Array.from({ length: times }, () => Buffer.from(part)));
const tooMany = (error: unknown): boolean =>
  error instanceof XebecError && error.code === "resource_exhausted" && /may have 3 fields/.test(error.message);

describe("fields of a message", () => {
  const parts: Readonly<Record<string, readonly number[]>> = {
    varints: [8, 0x81, 1],
    fixed64: [9, 1, 2, 3, 4, 5, 6, 7, 8],
    strings: [10, 2, 97, 97],
    "empty messages": [10, 0],
    fixed32: [13, 1, 2, 3, 4],
    "tags of two bytes": [0xaa, 6, 1, 97],
    "lengths of two bytes": [10, 0x80, 1, ...Array<number>(128).fill(97)],
  };
  for (const [what, part] of Object.entries(parts))
    it(`are counted: ${what}`, () => {
      checkFields(repeat(part, 3), 3);
      assert.throws(() => checkFields(repeat(part, 4), 3), tooMany);
    });

  it("of what is no protobuf are left to its decoder", () => {
    for (const bytes of [
      [10, 200, 1, 2, 3, 4, 5, 6],
      [255, 255, 255, 255, 255, 255, 255, 255],
      [15, 0, 0, 0, 0, 0, 0, 0],
    ])
      checkFields(Buffer.from(bytes), 3);
  });

  it("are limited for calls and streams of a server", async () => {
    const unary = rawUnary("/t.T/Unary", () => Buffer.alloc(0));
    const stream = rawClientStream("/t.T/Stream", (each) => {
      each.onMessage(() => undefined);
      each.onEnd(() => {
        each.write(Buffer.alloc(0));
        each.end();
      });
    });
    await withRawSession({ services: [unary, stream], limits: { maxFields: 3 } }, async (session) => {
      for (const path of ["/t.T/Unary", "/t.T/Stream"]) {
        assert.equal((await ask(session, path, repeat([10, 1, 97], 3))).grpcStatus, "0");
        const refused = await ask(session, path, repeat([10, 1, 97], 4));
        assert.equal(refused.grpcStatus, "8");
        assert.match(decodeURIComponent(refused.grpcMessage ?? ""), /may have 3 fields/);
      }
    });
  });
});
