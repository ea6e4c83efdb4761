import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { startNatsServer, tempDir } from "@xebec/testing-launch";
import { BucketState } from "./bucket-state.ts";
import { map, never, plain, text } from "./bus.testkit.ts";
import { decodeCommit, encodeCommit } from "./commit.ts";
import { type Bus, createNatsBus, createRevisionReader, createRevisionWriter, type RevisionReader } from "./index.ts";

// In a suite, so that its hooks are not those of all files in the process.
describe("parts", () => {
  const RULE = "config.istio.io/rule/a/r";
  const HANDLER = "config.istio.io/handler/a/h";
  const ROUTE = "networking.istio.io/VirtualService/a/v";
  const isMixers = (part: string): boolean => part.startsWith("config.istio.io/");

  // Whatever a failed test left open would keep the run alive.
  const open: { close?(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const each of open.splice(0).reverse()) await each.close?.();
  });

  async function connected(address: string, name: string, provision = false): Promise<Bus> {
    const bus = createNatsBus({ servers: [address], name, provision });
    open.push(bus);
    await bus.start(never);
    return bus;
  }

  async function reading(bus: Bus, cacheFile?: string): Promise<RevisionReader> {
    const reader = createRevisionReader({ bus, bucket: "config", cacheFile, parts: isMixers, apply: () => undefined });
    open.push(reader);
    await reader.start(never);
    return reader;
  }

  describe("a reader of some parts of a bucket", () => {
    it("has them alone, whole revisions of them, and the number of each revision", async () => {
      await using server = await startNatsServer();
      using folder = tempDir();
      const writer = createRevisionWriter({
        bus: await connected(server.address, "galley", true),
        bucket: "config",
        source: "galley",
      });
      open.push(writer);
      await writer.start(never);
      const large = "v".repeat(3 << 20);
      await writer.replace(map({ [RULE]: "1", [HANDLER]: "1", [ROUTE]: large }));
      const reached: number[] = [];
      const file = folder.file("config.cache");
      const bus = await connected(server.address, "mixer-policy");
      const reader = createRevisionReader({
        ...{ bus, bucket: "config", cacheFile: file, parts: isMixers, apply: () => undefined },
        reached: ({ revisions }) => reached.push(revisions.galley ?? 0),
      });
      open.push(reader);
      await reader.start(never);
      await waitFor("synced", 5_000, () => reader.synced);
      assert.deepEqual(plain(reader.entries()), { [HANDLER]: "1", [RULE]: "1" });

      const { revision } = await writer.apply({ puts: map({ [ROUTE]: "2" }), deletes: new Set([HANDLER]) });
      await waitFor("the revision", 5_000, () => reached.includes(revision));
      const last = await writer.apply({ puts: map({ [ROUTE]: "3" }), deletes: new Set() });
      await waitFor("a revision of another part", 5_000, () => reached.includes(last.revision));
      assert.deepEqual([plain(reader.entries()), reader.synced], [{ [RULE]: "1" }, true]);
      await reader.close?.();

      await server.kill();
      const restored = await reading(await connected(server.address, "mixer-policy"), file);
      assert.deepEqual(plain(restored.entries()), { [RULE]: "1" });
    });

    it("is not synced while a revision of its parts is half written, and is when one of another part is", () => {
      const state = new BucketState(() => true, {
        partOf: (key) => key.split("/").slice(0, 2).join("/"),
        wants: isMixers,
      });
      const zero = "0".repeat(64);
      const none = encodeCommit({ revision: 1, hash: zero, parts: {} });
      state.entry(`galley:${ROUTE}`, text("1"));
      state.entry("galley!", none);
      state.listed("A");
      assert.equal(state.phase, "whole", "no part of it has entries");
      state.entry(`galley:${RULE}`, text("1"));
      state.confirmed();
      assert.equal(state.phase, "incomplete", "a rule that no commit has");
    });

    it("takes the commits of the release before, which name no parts", () => {
      const state = new BucketState(() => true, { partOf: () => "config.istio.io/rule", wants: isMixers });
      state.entry(`galley:${RULE}`, text("1"));
      state.entry("galley!", Buffer.from(JSON.stringify({ revision: 3, hash: "a".repeat(64) })));
      state.listed("A");
      assert.deepEqual([state.phase, plain(state.entries)], ["whole", { [RULE]: "1" }]);
    });
  });

  it("a commit whose parts cannot be read is none", () => {
    const commit = { revision: 1, hash: "a".repeat(64) };
    const parts = [
      { a: "short" },
      ["x"],
      "text",
      null,
      Object.fromEntries([...Array(501).keys()].map((i) => [i, "a".repeat(64)])),
    ];
    for (const each of parts)
      assert.equal(decodeCommit(Buffer.from(JSON.stringify({ ...commit, parts: each }))), undefined);
    const good = { ...commit, parts: { b: "b".repeat(64), a: "a".repeat(64) } };
    assert.deepEqual(decodeCommit(encodeCommit(good)), good);
  });
});
