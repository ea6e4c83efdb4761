import assert from "node:assert/strict";
import { cpSync, rmSync } from "node:fs";
import { afterEach, describe, test } from "node:test";
import { sleep, waitFor } from "@xebec/core-async";
import { createMetrics } from "@xebec/core-metrics";
import { freePort, startNatsServer, tempDir } from "@xebec/testing-launch";
import { map, never, plain, text } from "./bus.testkit.ts";
import {
  type Bus,
  createNatsBus,
  createRevisionReader,
  createRevisionWriter,
  type RevisionChange,
  type RevisionReader,
} from "./index.ts";

// In a suite, so that its hooks are not those of all files in the process.
describe("resilience", () => {
  // Real outages of a real server: killed and restarted, started late, started with an empty store.
  // Whatever a failed test left open would keep the run alive.
  const open: { close?(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const each of open.splice(0)) await each.close?.();
  });

  async function connected(address: string, name: string, provision = true): Promise<Bus> {
    const bus = createNatsBus({ servers: [address], name, provision });
    open.push(bus);
    await bus.start(never);
    return bus;
  }

  async function reading(
    bus: Bus,
    cacheFile?: string,
    metrics = createMetrics(),
  ): Promise<{ reader: RevisionReader; changes: RevisionChange[] }> {
    const changes: RevisionChange[] = [];
    const reader = createRevisionReader({
      bus,
      bucket: "config",
      cacheFile,
      metrics,
      apply: (change) => changes.push(change),
    });
    await reader.start(never);
    return { reader, changes };
  }

  test("a killed and restarted server: nothing is lost, nothing is missed, writes of the outage arrive", async () => {
    await using server = await startNatsServer();
    const [writing, other] = [
      await connected(server.address, "galley"),
      await connected(server.address, "pilot", false),
    ];
    const metrics = createMetrics();
    const { reader, changes } = await reading(other, undefined, metrics);
    const writer = createRevisionWriter({ bus: writing, bucket: "config", source: "galley" });
    await writer.start(never);
    await writer.replace(map({ a: "1", b: "1" }));
    await waitFor("synced", 5_000, () => reader.synced);

    await server.kill();
    await waitFor("the metric shows how stale the state is", 5_000, async () => {
      const line = /^xebec_bus_staleness_seconds\{bucket="config"\} (.+)$/m.exec(await metrics.registry.metrics());
      return Number(line?.[1]) > 0.5;
    });
    await waitFor("the bus is down", 5_000, () => !other.connected && !writing.connected);
    const during = writer.apply({ puts: map({ a: "2" }), deletes: new Set(["b"]) });
    assert.deepEqual(plain(reader.entries()), { a: "1", b: "1" });
    await server.restart();
    assert.equal((await during).revision, 2);
    await waitFor("the change of the outage", 5_000, () => plain(reader.entries()).a === "2");
    assert.deepEqual(plain(reader.entries()), { a: "2" });

    // Changes while one side is away are not missed by it: kill in the middle of a series of revisions.
    const series = (async () => {
      for (let i = 0; i < 60; i++)
        await writer.apply({ puts: map({ n: String(i), [`k${i}`]: "x" }), deletes: new Set() });
    })();
    await waitFor("some of them", 5_000, () => reader.entries().size > 5);
    await server.restart();
    await series;
    await waitFor("all", 10_000, () => plain(reader.entries()).n === "59" && reader.synced);
    assert.equal(reader.entries().size, 62);
    assert.equal(changes.filter((each) => each.first).length, 1);
    for (const each of changes.slice(1))
      assert.deepEqual(
        [...each.deletes].filter((key) => key !== "b"),
        [],
      );
    await Promise.all([reader.close?.(), writer.close?.(), writing.close?.(), other.close?.()]);
  });

  test("a server that lost its store: nothing is deleted, everything is published again", async () => {
    await using server = await startNatsServer();
    const [writing, other] = [
      await connected(server.address, "galley"),
      await connected(server.address, "pilot", false),
    ];
    const { reader, changes } = await reading(other);
    const writer = createRevisionWriter({ bus: writing, bucket: "config", source: "galley" });
    await writer.start(never);
    await writer.replace(map({ a: "1", b: "1" }));
    await writing.bucket("trust").put("roots", text("PEM"));
    const trust: [string, boolean][] = [];
    const watch = other.bucket("trust").watch({
      entry: (key, value) => trust.push([key, value !== undefined]),
      synced: () => {},
      lost: () => trust.push(["lost", true]),
    });
    await waitFor("synced", 5_000, () => reader.synced && trust.length > 0);
    const before = changes.length;

    await server.restart(true);
    await waitFor("the loss is seen", 10_000, () => trust.some(([key]) => key === "lost"));
    await waitFor("everything is back", 10_000, async () => {
      const value = await other
        .bucket("trust")
        .get("roots")
        .catch(() => undefined);
      return value !== undefined && reader.synced;
    });
    assert.deepEqual(plain(reader.entries()), { a: "1", b: "1" });
    assert.equal(changes.length, before, "an equal state is not a change");
    assert.ok(
      trust.every(([, held]) => held),
      "a loss is not a deletion",
    );

    await writer.apply({ puts: map({ c: "1" }), deletes: new Set(["a"]) });
    await waitFor("changes go on", 5_000, () => reader.entries().has("c"));
    assert.deepEqual(plain(reader.entries()), { b: "1", c: "1" });
    watch.close();
    await Promise.all([reader.close?.(), writer.close?.(), writing.close?.(), other.close?.()]);
  });

  test("a server that comes back with an older store: what it had acknowledged is published again", async () => {
    using folder = tempDir();
    const [store, copy] = [folder.file("store"), folder.file("copy")];
    await using server = await startNatsServer({ storeDir: store });
    const [writing, other] = [
      await connected(server.address, "galley"),
      await connected(server.address, "pilot", false),
    ];
    const { reader } = await reading(other);
    const writer = createRevisionWriter({ bus: writing, bucket: "config", source: "galley" });
    await writer.start(never);
    await writer.replace(map({ a: "1" }));
    await writing.bucket("status").put("x", text("1"));
    await waitFor("synced", 5_000, () => reader.synced);
    await server.kill();
    cpSync(store, copy, { recursive: true });
    await server.restart();
    await writer.apply({ puts: map({ a: "2", b: "new" }), deletes: new Set() });
    await writing.bucket("status").put("x", text("2"));
    await server.kill();
    rmSync(store, { recursive: true });
    cpSync(copy, store, { recursive: true });
    await server.restart();
    await waitFor("the lost changes", 15_000, async () => {
      const value = await other
        .bucket("status")
        .get("x")
        .catch(() => undefined);
      return reader.synced && plain(reader.entries()).a === "2" && value && Buffer.from(value).toString() === "2";
    });
    const late = await reading(other);
    await waitFor("a new reader", 10_000, () => late.reader.synced);
    assert.deepEqual(plain(late.reader.entries()), { a: "2", b: "new" });
    await Promise.all([reader.close?.(), late.reader.close?.(), writer.close?.()]);
  });

  test("an empty or absent bucket is never synced; the writer and the server may come late, in any order", async () => {
    const port = await freePort();
    const bus = createNatsBus({ servers: [`127.0.0.1:${port}`], name: "pilot", metrics: createMetrics() });
    await bus.start(never);
    const { reader, changes } = await reading(bus);
    assert.match(reader.missing?.()[0] ?? "", /the bus is down/);
    await bus.close?.();
    await reader.close?.();

    await using server = await startNatsServer();
    const waiting = await connected(server.address, "pilot", false);
    const second = await reading(waiting);
    await waitFor("the connection", 5_000, () => waiting.connected);
    assert.match(second.reader.missing?.()[0] ?? "", /does not exist on the bus yet/);
    const owner = await connected(server.address, "citadel");
    await waitFor("an empty bucket", 5_000, () => second.reader.missing?.()[0]?.includes("no source"));
    assert.deepEqual([second.reader.synced, second.changes.length, changes.length], [false, 0, 0]);
    const writer = createRevisionWriter({ bus: owner, bucket: "config", source: "galley" });
    await writer.start(never);
    await writer.replace(map({ a: "1" }));
    await waitFor("synced", 5_000, () => second.reader.synced);
    await Promise.all([second.reader.close?.(), writer.close?.(), owner.close?.(), waiting.close?.()]);
  });

  test("a restarted reader serves from its file while the bus is down, and takes over what changed meanwhile", async () => {
    using folder = tempDir();
    const file = folder.file("config.cache");
    await using server = await startNatsServer();
    const writing = await connected(server.address, "galley");
    const writer = createRevisionWriter({ bus: writing, bucket: "config", source: "galley" });
    await writer.start(never);
    await writer.replace(map({ a: "1", b: "1" }));
    const first = await connected(server.address, "pilot", false);
    const one = await reading(first, file);
    await waitFor("synced", 5_000, () => one.reader.synced);
    await Promise.all([one.reader.close?.(), first.close?.()]);
    await writer.apply({ puts: map({ c: "1" }), deletes: new Set(["a"]) });

    await server.kill();
    const second = await connected(server.address, "pilot", false);
    const two = await reading(second, file);
    assert.deepEqual([two.reader.restored, two.reader.synced], [true, false]);
    assert.deepEqual(plain(two.reader.entries()), { a: "1", b: "1" });
    await server.restart();
    await waitFor("synced", 10_000, () => two.reader.synced);
    assert.deepEqual(plain(two.reader.entries()), { b: "1", c: "1" });
    assert.deepEqual(
      two.changes.map((each) => each.first),
      [true, false],
    );
    await Promise.all([two.reader.close?.(), writer.close?.(), second.close?.(), writing.close?.()]);
  });

  test("a restarted writer writes only what differs, and repairs a store that was lost meanwhile", async () => {
    await using server = await startNatsServer();
    const start = async () => {
      const bus = await connected(server.address, "galley");
      const writer = createRevisionWriter({ bus, bucket: "config", source: "galley" });
      await writer.start(never);
      return { bus, writer, stop: async () => void (await Promise.all([writer.close?.(), bus.close?.()])) };
    };
    const one = await start();
    await one.writer.replace(map({ a: "1", b: "1" }));
    await one.stop();
    const two = await start();
    assert.equal((await two.writer.replace(map({ a: "1", b: "1" }))).revision, 1);
    assert.equal((await two.writer.replace(map({ a: "1", c: "1" }))).revision, 2);
    // `a` was never written by this process; it must come back all the same.
    await server.restart(true);
    const other = await connected(server.address, "pilot", false);
    const { reader } = await reading(other);
    await waitFor("synced", 10_000, () => reader.synced);
    assert.deepEqual(plain(reader.entries()), { a: "1", c: "1" });
    await Promise.all([reader.close?.(), other.close?.(), two.stop()]);
  });

  test("subscriptions and responders go on after an outage", async () => {
    await using server = await startNatsServer();
    const bus = await connected(server.address, "mixer");
    const got: string[] = [];
    bus.subscribe("s", (data) => got.push(Buffer.from(data).toString()));
    bus.respond("ask", (data) => data);
    await server.kill();
    await waitFor("down", 5_000, () => !bus.connected);
    await assert.rejects(bus.requestAll("ask", text(""), { timeoutMs: 100 }), { code: "unavailable" });
    await server.restart();
    await waitFor("up", 15_000, () => bus.connected);
    await waitFor("a message after the outage", 5_000, async () => {
      bus.publish("s", text("hello"));
      await sleep(10);
      return got.length > 0;
    });
    const responses = await bus.requestAll("ask", text("x"), { timeoutMs: 1_000 });
    assert.deepEqual(
      responses.map((each) => Buffer.from(each).toString()),
      ["x"],
    );
    await bus.close?.();
  });
});
