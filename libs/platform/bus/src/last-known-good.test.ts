import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { waitFor } from "@xebec/core-async";
import { tempDir } from "@xebec/testing-launch";
import { map, never, plain, reading } from "./bus.testkit.ts";
import { type Bus, createMemoryBus, createRevisionWriter } from "./index.ts";
import { LastKnownGood } from "./last-known-good.ts";

test("the cache file lets a restarted reader serve; an empty bus does not empty it", async () => {
  using folder = tempDir();
  const file = folder.file("cache/b.cache");
  const bus = createMemoryBus();
  const writer = createRevisionWriter({ bus, bucket: "b", source: "s" });
  await writer.start(never);
  await writer.replace(map({ a: "1", b: "2" }));
  const first = await reading(bus, file);
  await waitFor("synced", 2_000, () => first.reader.synced);
  await first.reader.close?.();

  const empty = createMemoryBus();
  const second = await reading(empty, file);
  assert.deepEqual([second.reader.restored, second.reader.synced], [true, false]);
  assert.deepEqual(second.reader.missing?.(), []);
  assert.deepEqual(plain(second.changes[0]?.puts ?? new Map()), { a: "1", b: "2" });
  assert.equal(second.changes[0]?.first, true);
  const again = createRevisionWriter({ bus: empty, bucket: "b", source: "s" });
  await again.start(never);
  await again.replace(map({ a: "1", c: "3" }));
  await waitFor("synced", 2_000, () => second.reader.synced);
  assert.deepEqual(
    second.changes.slice(1).map((each) => [plain(each.puts), [...each.deletes], each.first]),
    [[{ c: "3" }, ["b"], false]],
  );
  await second.reader.close?.();

  const bytes = await readFile(file);
  writeFileSync(file, bytes.subarray(0, bytes.length - 3));
  const damaged = await reading(createMemoryBus(), file);
  assert.deepEqual([damaged.reader.restored, damaged.changes.length], [false, 0]);
  await damaged.reader.close?.();
});

test("a source that ended is dropped, also by a reader that was away; one that was lost is kept", async () => {
  using folder = tempDir();
  const file = folder.file("b.cache");
  const write = async (bus: Bus, source: string, entries: Record<string, string>) => {
    const writer = createRevisionWriter({ bus, bucket: "b", source });
    await writer.start(never);
    await writer.replace(map(entries));
    await writer.close?.();
  };
  const bus = createMemoryBus();
  await write(bus, "one", { a: "1" });
  await write(bus, "two", { b: "1" });
  const first = await reading(bus, file);
  await waitFor("synced", 2_000, () => first.reader.synced);
  await first.reader.close?.();

  // Another store: what it does not hold was lost.
  const other = createMemoryBus();
  await write(other, "one", { a: "2" });
  const lost = await reading(other, file);
  await waitFor("the change", 2_000, () => plain(lost.reader.entries()).a === "2");
  assert.deepEqual([plain(lost.reader.entries()), lost.reader.synced], [{ a: "2", b: "1" }, false]);
  await lost.reader.close?.();

  // The same store, without the other source's commit: that source is over.
  await write(bus, "one", { a: "3" });
  const again = await reading(bus, file);
  await waitFor("synced", 2_000, () => again.reader.synced);
  await bus.bucket("b").delete("two!");
  await waitFor("it is gone at once", 2_000, () => plain(again.reader.entries()).b === undefined);
  assert.deepEqual([plain(again.reader.entries()), again.reader.synced], [{ a: "3" }, true]);
  assert.deepEqual([...(again.changes.at(-1)?.deletes ?? [])], ["b"]);
  // It may come back with its commit alone.
  await write(bus, "two", { b: "1" });
  await waitFor("it is back", 10_000, () => again.reader.synced && plain(again.reader.entries()).b === "1");
  await again.reader.close?.();
  await bus.bucket("b").delete("two!");
  const late = await reading(bus, file);
  await waitFor("synced", 2_000, () => late.reader.synced);
  assert.deepEqual(plain(late.reader.entries()), { a: "3" });

  // The last one stays, whatever the bus says.
  await bus.bucket("b").delete("one!");
  await waitFor("the deletion is seen", 2_000, () => !late.reader.synced);
  assert.deepEqual(plain(late.reader.entries()), { a: "3" });
  await late.reader.close?.();
});

test("it is on disk when its keeper has ended, also when it was just being written", async () => {
  using folder = tempDir();
  const begun = Promise.withResolvers<void>();
  const source = { revision: 1, incarnation: "a", entries: new Map([["key", new Uint8Array(2 << 20)]]) };
  const kept = new LastKnownGood("test", folder.file("cache"), () => {
    begun.resolve();
    return new Map([["galley", source]]);
  });
  kept.changed();
  await begun.promise;
  await kept.close();
  assert.equal((await kept.read())?.get("galley")?.revision, 1);
});
