import assert from "node:assert/strict";
import { test } from "node:test";
import { appendBytes, BinaryWriter, withFields } from "./wire.ts";

test("a message of a head and many values of a field has the bytes that protobuf's own writer makes", () => {
  const head = new Uint8Array([0x0a, 1, 0x61]);
  const values = [0, 1, 127, 128, 16_383, 16_384, 2_097_152].map((length) => new Uint8Array(length).fill(7));
  for (const field of [2, 16, 2_048]) {
    const writer = new BinaryWriter().raw(head);
    for (const each of values) appendBytes(writer, field, each);
    assert.ok(Buffer.from(writer.finish()).equals(withFields(head, field, values)), `field ${field}`);
  }
  assert.deepEqual(withFields(head, 2, []), head);
});
