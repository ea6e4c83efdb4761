import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeKey, encodeKey } from "./key-codec.ts";

test("every key comes back from its escaped form, which NATS allows", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 100, unit: "grapheme" }), (key) => {
      const encoded = encodeKey(key);
      assert.equal(decodeKey(encoded), key);
      assert.match(encoded, /^[-/=\w]+(?:\.[-/=\w]+)*$/);
    }),
  );
});
