import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { waitFor } from "@xebec/core-async";
import type { BusUser } from "@xebec/model-bus";
import { type NatsServer, startNatsServer, type TempDir, tempDir } from "@xebec/testing-launch";
import { type Bus, type BusKeys, createBusKeys, createNatsBus, readSeed, renderAuthorization } from "./index.ts";
import { MAX_WAITING, partitionOf, type WorkItem, type WorkQueue } from "./work-queue.ts";

// In a suite, so that its hooks are not those of all files in the process.
describe("work queue", () => {
  // The real server with the real rights of every service.
  const never = new AbortController().signal;
  let folder: TempDir;
  let keys: BusKeys;
  let server: NatsServer;
  let citadel: Bus | undefined;
  const buses: Bus[] = [];

  async function as(user: BusUser): Promise<Bus & { readonly work: WorkQueue }> {
    const bus = createNatsBus({
      servers: [server.address],
      name: user,
      seed: await readSeed(keys.seedFile(user)),
      provision: user === "citadel",
    });
    await bus.start(never);
    buses.push(bus);
    await waitFor(`${user} is connected`, 30_000, () => bus.connected);
    return bus as Bus & { readonly work: WorkQueue };
  }

  /** Adds as soon as the stream is there. */
  async function add(work: WorkQueue, key: string, text: string): Promise<void> {
    await waitFor(`${text} is stored`, 10_000, async () => {
      try {
        await work.add(key, Buffer.from(text));
        return true;
      } catch (error) {
        if ((error as { code: string }).code !== "unavailable") throw error;
        return false;
      }
    });
  }
  const textOf = ({ data }: WorkItem): string => Buffer.from(data).toString();

  before(async () => {
    folder = tempDir();
    keys = await createBusKeys(folder.path);
    server = await startNatsServer({ config: renderAuthorization(keys.publicKeys) });
    citadel = await as("citadel");
    buses.length = 0; // it stays
  });
  afterEach(async () => {
    for (const bus of buses.splice(0)) await bus.close?.();
  });
  after(async () => {
    await citadel?.close?.();
    await server.close();
    folder.remove();
  });

  test("two replicas share the work; an item that was not done comes again; nothing waits in the end", async () => {
    const [one, two] = [await as("mixer-telemetry"), await as("mixer-telemetry")];
    const done = new Map<string, number>();
    const by = [0, 0];
    let refused = 0;
    const work = (at: number) => async (item: WorkItem) => {
      if (textOf(item) === "7" && item.retries < 2) {
        refused++;
        assert.ok(Math.abs(Date.now() - item.addedAt) < 60_000);
        return { retryMs: 50 };
      }
      done.set(textOf(item), (done.get(textOf(item)) ?? 0) + 1);
      by[at] = (by[at] ?? 0) + 1;
      return "done" as const;
    };
    for (let i = 0; i < 40; i++) await add(one.work, "h.istio-system", String(i));
    assert.equal((await two.work.waiting("h.istio-system")).items, 40);
    const subscriptions = [one.work.consume("h.istio-system", work(0)), two.work.consume("h.istio-system", work(1))];
    await waitFor("everything is done", 10_000, () => done.size === 40);
    await waitFor("nothing waits", 5_000, async () => (await one.work.waiting("h.istio-system")).items === 0);
    assert.equal(refused, 2);
    assert.deepEqual([...new Set(done.values())], [1]);
    for (const each of subscriptions) each.close();
  });

  test("a key whose work hangs does not keep another one of its partition waiting; orphans are asked about", async () => {
    const { work } = await as("mixer-telemetry");
    const other = Array.from({ length: 500 }, (_, i) => `k${i}`).find((k) => partitionOf(k) === partitionOf("hangs"));
    assert.ok(other);
    const orphans: string[] = [];
    const done: string[] = [];
    let release: () => void = () => undefined;
    const hang = new Promise<void>((resolve) => {
      release = resolve;
    });
    for (let i = 0; i < 4; i++) await add(work, "hangs", `hang ${i}`);
    await add(work, other, "good");
    await add(work, "nobody", "orphan");
    work.onOrphan((key, item) => {
      orphans.push(`${key}: ${textOf(item)}`);
      return "done";
    });
    const subscriptions = [
      work.consume("hangs", async () => {
        await hang;
        return "done";
      }),
      work.consume(other, async (item) => {
        done.push(textOf(item));
        return "done";
      }),
    ];
    await waitFor("the other key's work", 8_000, () => done.length === 1);
    await waitFor("the orphan", 8_000, () => orphans.length === 1);
    assert.deepEqual(orphans, ["nobody: orphan"]);
    release();
    for (const each of subscriptions) each.close();
  });

  test("too much of one key is refused, another one goes on; others than mixer-telemetry may not add", async () => {
    const { work } = await as("mixer-telemetry");
    for (let i = 0; i < MAX_WAITING.itemsOfKey; i++) await add(work, "full", String(i));
    await assert.rejects(work.add("full", Buffer.from("more")), { code: "resource_exhausted" });
    await add(work, "not-full", "x");
    await assert.rejects(work.add("x", Buffer.alloc(1_000_001)), { code: "invalid_argument" });
    const policy = await as("mixer-policy");
    await assert.rejects(policy.work.add("x", Buffer.from("1")), { code: "permission_denied" });
  });

  test("what waits is there after the server was killed", async () => {
    const { work } = await as("mixer-telemetry");
    await add(work, "survivor", "x");
    await server.kill();
    await assert.rejects(work.add("survivor", Buffer.from("y")), { code: "unavailable" });
    await server.restart();
    const seen: string[] = [];
    work.consume("survivor", async (item) => {
      seen.push(textOf(item));
      return "done";
    });
    await waitFor("the item", 10_000, () => seen.length === 1);
    assert.deepEqual(seen, ["x"]);
  });
});
