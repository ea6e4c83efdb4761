import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { waitFor } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import { tempDir } from "@xebec/testing-launch";
import fc from "fast-check";
import { map, never, plain, text } from "./bus.testkit.ts";
import {
  type Bus,
  createMemoryBus,
  createRevisionReader,
  createRevisionWriter,
  type RevisionChange,
  type RevisionReader,
} from "./index.ts";
import { decodeKey, encodeKey } from "./key-codec.ts";

async function reading(bus: Bus, cacheFile?: string): Promise<{ reader: RevisionReader; changes: RevisionChange[] }> {
  const changes: RevisionChange[] = [];
  const reader = createRevisionReader({ bus, bucket: "b", cacheFile, apply: (change) => changes.push(change) });
  await reader.start(never);
  return { reader, changes };
}

test("whole revisions, from several sources", async () => {
  const bus = createMemoryBus();
  const { reader, changes } = await reading(bus);
  const files = createRevisionWriter({ bus, bucket: "b", source: "files" });
  const kube = createRevisionWriter({ bus, bucket: "b", source: "kubernetes" });
  await files.start(never);
  await kube.start(never);
  assert.equal(reader.synced, false);
  assert.match(reader.missing?.()[0] ?? "", /no source|does not exist/);

  assert.equal((await files.replace(map({ a: "1", b: "2" }))).revision, 1);
  await waitFor("synced", 2_000, () => reader.synced);
  assert.deepEqual(reader.missing?.(), []);
  assert.deepEqual(plain(changes[0]?.puts ?? new Map()), { a: "1", b: "2" });
  assert.equal(changes[0]?.first, true);

  await files.apply({ puts: map({ a: "3", c: "4" }), deletes: new Set(["b"]) });
  await waitFor("the second", 2_000, () => changes.length === 2);
  assert.deepEqual(plain(changes[1]?.puts ?? new Map()), { a: "3", c: "4" });
  assert.deepEqual([...(changes[1]?.deletes ?? [])], ["b"]);
  assert.deepEqual(changes[1]?.revisions, { files: 2 });

  await kube.replace(map({ a: "other", k: "5" }));
  await waitFor("the third", 2_000, () => changes.length === 3);
  assert.deepEqual(plain(reader.entries()), { a: "3", c: "4", k: "5" });
  await files.apply({ puts: new Map(), deletes: new Set(["a"]) });
  await waitFor("the other source's value", 2_000, () => changes.length === 4);
  assert.deepEqual(plain(reader.entries()), { a: "other", c: "4", k: "5" });

  const same = await files.replace(map({ c: "4" }));
  assert.equal(same.revision, 3, "nothing changed, nothing is published");
  await reader.close?.();
});

test("half a revision is not applied", async () => {
  const bus = createMemoryBus();
  const { reader, changes } = await reading(bus);
  const writer = createRevisionWriter({ bus, bucket: "b", source: "s" });
  await writer.start(never);
  await writer.replace(map({ a: "1" }));
  await waitFor("synced", 2_000, () => reader.synced);
  await writer.close?.();
  await bus.bucket("b").put("s:route", text("new"));
  await bus.bucket("b").put("s:subset", text("new"));
  let turn = false;
  bus.bucket("b").watch({ entry: () => {}, synced: () => (turn = true) });
  await waitFor("a turn", 2_000, () => turn);
  assert.deepEqual(plain(reader.entries()), { a: "1" });
  assert.equal(changes.length, 1);

  // The writer died in the middle; the next one takes what is there and makes it whole.
  const next = createRevisionWriter({ bus, bucket: "b", source: "s" });
  await next.start(never);
  await next.replace(map({ a: "1", route: "new", subset: "newer" }));
  await waitFor("the revision", 2_000, () => changes.length === 2);
  assert.deepEqual(plain(reader.entries()), { a: "1", route: "new", subset: "newer" });
  await reader.close?.();
});

test("what a running writer did not publish is put right, but not what a later process of its source publishes", async () => {
  const bus = createMemoryBus();
  const writer = createRevisionWriter({ bus, bucket: "b", source: "s" });
  await writer.start(never);
  await writer.replace(map({ a: "1", b: "1" }));
  const commit = await bus.bucket("b").get("s!");
  const held = new Map<string, string>();
  bus.bucket("b").watch({
    entry: (key, value) => (value ? held.set(key, Buffer.from(value).toString()) : held.delete(key)),
    synced: () => {},
  });
  const whole = (): boolean =>
    held.get("s:a") === "1" &&
    held.get("s:b") === "1" &&
    !held.has("s:new") &&
    held.get("s!") === `${commit && Buffer.from(commit)}`;
  await bus.bucket("b").put("s:a", text('{"stream":"KV_status","seq":5}'));
  await bus.bucket("b").put("s:new", text('{"stream":"KV_status","seq":6}'));
  await bus.bucket("b").put("s!", text('{"stream":"KV_status","seq":7}'));
  await bus.bucket("b").delete("s:b");
  await waitFor("the writer's own", 5_000, whole);

  const next = createRevisionWriter({ bus, bucket: "b", source: "s" });
  await next.start(never);
  await next.replace(map({ a: "2", mine: "2" }));
  const theirs = (): boolean => held.get("s:a") === "2" && !held.has("s:b");
  await waitFor("the later process's own", 5_000, theirs);
  let confirmed = 0;
  bus.bucket("b").watch({ entry: () => {}, synced: () => {}, confirmed: () => confirmed++ });
  await waitFor("some rounds", 5_000, () => confirmed > 2);
  assert.ok(theirs());
  await next.close?.();
  const again = await writer.replace(map({ a: "1", b: "1", c: "1" }));
  assert.equal(again.revision, 3, "its next change takes the source over again");
  const { reader } = await reading(bus);
  await waitFor("all of it is there, and nothing of the other's", 2_000, () => reader.synced);
  assert.deepEqual(plain(reader.entries()), { a: "1", b: "1", c: "1" });
  await Promise.all([reader.close?.(), writer.close?.()]);
});

test("sources that may not publish in a bucket are not waited for", async () => {
  const bus = createMemoryBus();
  assert.throws(() => createRevisionWriter({ bus, bucket: "config", source: "evil" }), { code: "invalid_argument" });
  await bus.bucket("config").put("evil!", text("{}"));
  await bus.bucket("config").put("evil:x", text("{}"));
  const writer = createRevisionWriter({ bus, bucket: "config", source: "galley" });
  await writer.start(never);
  await writer.replace(map({ a: "1" }));
  const reader = createRevisionReader({ bus, bucket: "config", apply: () => {} });
  await reader.start(never);
  await waitFor("synced", 2_000, () => reader.synced);
  assert.deepEqual(plain(reader.entries()), { a: "1" });
  await Promise.all([reader.close?.(), writer.close?.()]);
});

test("an entry that was not stored does not count as published", async () => {
  const bus = createMemoryBus();
  const writer = createRevisionWriter({ bus, bucket: "b", source: "s" });
  await writer.start(never);
  const tooLong = "x".repeat(600);
  await assert.rejects(writer.replace(map({ a: "1", [tooLong]: "1" })), { code: "invalid_argument" });
  assert.equal((await writer.replace(map({ a: "1" }))).revision, 1);
  const { reader } = await reading(bus);
  await waitFor("synced", 2_000, () => reader.synced);
  assert.deepEqual(plain(reader.entries()), { a: "1" });
  await Promise.all([reader.close?.(), writer.close?.()]);
});

test("a consumer that failed is told everything again, and nothing says meanwhile that all is well", async () => {
  const bus = createMemoryBus();
  const writer = createRevisionWriter({ bus, bucket: "b", source: "s" });
  await writer.start(never);
  const held = new Map<string, Uint8Array>();
  let broken = false;
  const reader = createRevisionReader({
    bus,
    bucket: "b",
    apply({ puts, deletes }) {
      if (broken) throw new XebecError("internal", "boom");
      for (const key of deletes) held.delete(key);
      for (const [key, value] of puts) held.set(key, value);
    },
  });
  await reader.start(never);
  await writer.replace(map({ a: "1", z: "1" }));
  await waitFor("synced", 2_000, () => reader.synced);
  broken = true;
  await writer.apply({ puts: map({ b: "1" }), deletes: new Set(["z"]) });
  await waitFor("the fault is told", 2_000, () => reader.missing?.()[0]?.includes("could not be taken over: boom"));
  assert.equal(reader.synced, false);
  await writer.apply({ puts: map({ c: "1" }), deletes: new Set() });
  broken = false;
  await waitFor("everything without a further change", 5_000, () => reader.synced);
  assert.deepEqual(plain(held), { a: "1", b: "1", c: "1" });
  assert.deepEqual(reader.missing?.(), []);
  await Promise.all([reader.close?.(), writer.close?.()]);
});

test("a reader that starts in the middle of a revision waits for the commit", async () => {
  const bus = createMemoryBus();
  const writer = createRevisionWriter({ bus, bucket: "b", source: "s" });
  await writer.start(never);
  await writer.replace(map({ a: "1" }));
  await writer.close?.();
  await bus.bucket("b").put("s:a", text("2"));
  const { reader, changes } = await reading(bus);
  await waitFor("the reader has seen the bucket", 2_000, () => reader.missing?.()[0]?.includes("incomplete"));
  assert.equal(changes.length, 0);
  await bus.bucket("b").put("s:a", text("1"));
  await waitFor("synced after the confirmation", 2_000, () => reader.synced || changes.length > 0);
  await reader.close?.();
});

test("changes that come together become one revision", async () => {
  const bus = createMemoryBus();
  const writer = createRevisionWriter({ bus, bucket: "b", source: "s" });
  const results = [
    writer.replace(map({ a: "1", b: "1" })),
    writer.apply({ puts: map({ c: "1" }), deletes: new Set(["b"]) }),
    writer.apply({ puts: map({ a: "2" }), deletes: new Set() }),
  ];
  await writer.start(never);
  assert.deepEqual(
    (await Promise.all(results)).map(({ revision }) => revision),
    [1, 1, 1],
  );
  const { reader } = await reading(bus);
  await waitFor("synced", 2_000, () => reader.synced);
  assert.deepEqual(plain(reader.entries()), { a: "2", c: "1" });
  await reader.close?.();
  const waiting = createRevisionWriter({ bus, bucket: "b", source: "other" });
  const pending = waiting.replace(map({}));
  await Promise.all([assert.rejects(pending, { code: "cancelled" }), waiting.close?.()]);
});

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

test("an empty source that was committed is synced and empty", async () => {
  const bus = createMemoryBus();
  const { reader, changes } = await reading(bus);
  const writer = createRevisionWriter({ bus, bucket: "b", source: "s" });
  await writer.start(never);
  await writer.replace(new Map());
  await waitFor("synced", 2_000, () => reader.synced);
  assert.equal(changes.length, 1);
  assert.equal(changes[0]?.puts.size, 0);
  await reader.close?.();
});

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

test("every key comes back from its escaped form, which NATS allows", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 100, unit: "grapheme" }), (key) => {
      const encoded = encodeKey(key);
      assert.equal(decodeKey(encoded), key);
      assert.match(encoded, /^[-/=\w]+(?:\.[-/=\w]+)*$/);
    }),
  );
});
