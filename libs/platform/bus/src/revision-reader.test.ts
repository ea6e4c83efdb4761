import assert from "node:assert/strict";
import { test } from "node:test";
import { waitFor } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import { map, never, plain, reading, text } from "./bus.testkit.ts";
import { createMemoryBus, createRevisionReader, createRevisionWriter } from "./index.ts";

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

test("a consumer that failed gets everything again, and nothing says meanwhile that all is well", async () => {
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
  await waitFor("the error is reported", 2_000, () => reader.missing?.()[0]?.includes("could not be taken over: boom"));
  assert.equal(reader.synced, false);
  await writer.apply({ puts: map({ c: "1" }), deletes: new Set() });
  broken = false;
  await waitFor("everything without a further change", 5_000, () => reader.synced);
  assert.deepEqual(plain(held), { a: "1", b: "1", c: "1" });
  assert.deepEqual(reader.missing?.(), []);
  await Promise.all([reader.close?.(), writer.close?.()]);
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
