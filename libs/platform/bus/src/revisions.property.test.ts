import assert from "node:assert/strict";
import { test } from "node:test";
import { waitFor } from "@xebec/core-async";
import fc from "fast-check";
import { map, never, plain, reading } from "./bus.testkit.ts";
import { createMemoryBus, createRevisionWriter } from "./index.ts";

test("any sequence of changes: the reader ends with what the writer has", async () => {
  const key = fc.constantFrom("a", "b", "c", "d");
  const change = fc.record({ puts: fc.dictionary(key, fc.string()), deletes: fc.array(key), full: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 8 }), async (steps) => {
      const bus = createMemoryBus();
      const { reader, changes } = await reading(bus);
      const writer = createRevisionWriter({ bus, bucket: "b", source: "s" });
      await writer.start(never);
      const model = new Map<string, Uint8Array>();
      await writer.replace(model);
      for (const { puts, deletes, full } of steps) {
        if (full) model.clear();
        for (const each of deletes) if (!(each in puts)) model.delete(each);
        for (const [each, value] of map(puts)) model.set(each, value);
        await (full
          ? writer.replace(model)
          : writer.apply({ puts: map(puts), deletes: new Set(deletes.filter((each) => !(each in puts))) }));
      }
      await waitFor("equal", 2_000, () => reader.synced && reader.entries().size === model.size, 1);
      assert.deepEqual(plain(reader.entries()), plain(model));
      const replay = new Map<string, Uint8Array>();
      for (const { puts, deletes } of changes) {
        for (const each of deletes) assert.ok(replay.delete(each), "a delete of what was there");
        for (const [each, value] of puts) replay.set(each, value);
      }
      assert.deepEqual(plain(replay), plain(model));
      await reader.close?.();
    }),
    { numRuns: 50 },
  );
});
