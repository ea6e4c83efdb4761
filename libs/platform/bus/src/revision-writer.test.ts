import assert from "node:assert/strict";
import { test } from "node:test";
import { waitFor } from "@xebec/core-async";
import { map, never, plain, reading, text } from "./bus.testkit.ts";
import { createMemoryBus, createRevisionReader, createRevisionWriter } from "./index.ts";

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
