import assert from "node:assert/strict";
import { test } from "node:test";
import { waitFor } from "@xebec/core-async";
import {
  type Condition,
  type ConfigPosition,
  decodeCondition,
  decodeObserved,
  encodeCondition,
  observedKey,
} from "@xebec/model-resources";
import { map, never } from "./bus.testkit.ts";
import {
  type Bus,
  createConditions,
  createMemoryBus,
  createRevisionReader,
  createRevisionWriter,
  type KeyValue,
} from "./index.ts";

const AT: ConfigPosition = { revisions: { galley: 7 }, incarnation: "store" };
const refused = (object: string) => ({ object, reason: "InvalidSpec", message: "bad" }) as const;

/** A bus whose bucket `status` takes a value only when `let through` says so. */
function slow(inner: Bus): {
  bus: Bus;
  letThrough(key: string): void;
  fail(key: string): void;
  isHeld(key: string): boolean;
} {
  const held = new Map<string, { go(): void; fail(error: Error): void }>();
  const bucket = (name: string): KeyValue => {
    const own = inner.bucket(name);
    return {
      ...{ get: (key) => own.get(key), watch: (watcher) => own.watch(watcher), keep: (...all) => own.keep(...all) },
      delete: (key) => own.delete(key),
      put: (key, value) =>
        new Promise((resolve, reject) => {
          held.set(key, { go: () => void own.put(key, value).then(resolve), fail: reject });
        }),
    };
  };
  return {
    bus: { ...inner, bucket },
    isHeld: (key) => held.has(key),
    letThrough: (key) => held.get(key)?.go(),
    fail: (key) => held.get(key)?.fail(new Error("refused")),
  };
}

test("what a controller has observed is written after all that it said before, and not when that was lost", async () => {
  const inner = createMemoryBus();
  const { bus, letThrough, fail, isHeld } = slow(inner);
  const conditions = createConditions(bus, "pilot");
  conditions.set(refused("a"));
  void conditions.observed(AT);
  await waitFor("what an earlier run said is known", 5_000, () => isHeld("pilot/a"));
  letThrough(observedKey("pilot"));
  const read = async () => inner.bucket("status").get(observedKey("pilot"));
  assert.equal(await read(), undefined);
  letThrough("pilot/a");
  await waitFor("it is written", 5_000, async () => {
    letThrough(observedKey("pilot"));
    return (await read()) !== undefined;
  });
  const { controller, revisions, incarnation } = decodeObserved((await read()) as Uint8Array);
  assert.deepEqual({ controller, revisions, incarnation }, { controller: "pilot", ...AT });
  conditions.set(refused("b"));
  const next = conditions.observed({ ...AT, revisions: { galley: 8 } });
  await waitFor("it is being written", 5_000, () => isHeld("pilot/b"));
  fail("pilot/b");
  await next;
  assert.deepEqual(decodeObserved((await read()) as Uint8Array).revisions, { galley: 7 });
});

test("a condition holds no secret", async () => {
  const bus = createMemoryBus();
  const conditions = createConditions(bus, "mixer-policy");
  const message = "the adapter could not be started: http://user:hush@lists does not answer; token: hush";
  conditions.set({ ...refused("a"), message });
  await conditions.observed(AT);
  const text = Buffer.from((await bus.bucket("status").get("mixer-policy/a")) ?? "").toString();
  assert.match(text, /does not answer/);
  assert.doesNotMatch(text, /hush/);
});

test("what an earlier run said is taken back before anything is observed", async () => {
  const bus = createMemoryBus();
  await bus.bucket("status").put("pilot/gone", Buffer.from("{}"));
  const order: string[] = [];
  const conditions = createConditions(bus, "pilot");
  conditions.replace([refused("a")]);
  const observed = conditions.observed(AT);
  bus.bucket("status").watch({ entry: (key, value) => order.push(value ? key : `no ${key}`), synced() {} });
  await observed;
  await waitFor("it is reported", 5_000, () => order.includes("observed/pilot"));
  assert.ok(!order.includes("pilot/gone") || order.indexOf("no pilot/gone") < order.indexOf("observed/pilot"));
  assert.equal(await bus.bucket("status").get("pilot/gone"), undefined);
});

test("a condition is Kubernetes' own, and its status keeps the time of its last transition, over restarts, too", async () => {
  const bus = createMemoryBus();
  const key = "mixer-telemetry/a";
  const read = async (): Promise<Condition | undefined> => {
    const bytes = await bus.bucket("status").get(key);
    return bytes && decodeCondition(bytes);
  };
  const first = createConditions(bus, "mixer-telemetry");
  first.set({ object: "a", reason: "Compiled", message: "in effect", observedGeneration: 3 });
  await first.observed(AT);
  const written = await read();
  assert.deepEqual(
    { ...written, lastTransitionTime: "", lastUpdateTime: "" },
    {
      ...{ object: "a", controller: "mixer-telemetry", type: "TelemetryReady", status: "True", reason: "Compiled" },
      ...{ message: "in effect", observedGeneration: 3, lastTransitionTime: "", lastUpdateTime: "" },
    },
  );
  const early = { ...(written as Condition), lastTransitionTime: "2026-01-01T00:00:00.000Z", lastUpdateTime: "" };
  await bus.bucket("status").put(key, encodeCondition(early));

  const second = createConditions(bus, "mixer-telemetry");
  second.set({ object: "a", reason: "Compiled", message: "in effect", observedGeneration: 3 });
  await second.observed({ ...AT, revisions: { galley: 8 } });
  assert.deepEqual(await read(), early, "the same is not written again");
  second.set({ object: "a", reason: "Built", message: "running", observedGeneration: 4 });
  await second.observed({ ...AT, revisions: { galley: 9 } });
  assert.equal((await read())?.lastTransitionTime, early.lastTransitionTime, "it was True before");
  second.set({ object: "a", reason: "InvalidSpec", message: "no", observedGeneration: 5 });
  await second.observed({ ...AT, revisions: { galley: 10 } });
  const now = await read();
  assert.equal(now?.status, "False");
  assert.ok(now.lastTransitionTime > early.lastTransitionTime);
  assert.equal(now.lastTransitionTime, now.lastUpdateTime);
});

test("a condition of another release is replaced, or deleted when there is nothing to say", async () => {
  const bus = createMemoryBus();
  const old = Buffer.from(JSON.stringify({ object: "a", consumer: "pilot", state: "attached", reason: "Attached" }));
  for (const key of ["pilot/a", "pilot/b"]) await bus.bucket("status").put(key, old);
  const conditions = createConditions(bus, "pilot");
  conditions.replace([refused("a")]);
  await conditions.observed(AT);
  assert.equal(decodeCondition((await bus.bucket("status").get("pilot/a")) as Uint8Array).type, "Reconciled");
  assert.equal(await bus.bucket("status").get("pilot/b"), undefined);
});

test("a reader says how far it has come, also when a revision brought it nothing", async () => {
  const bus = createMemoryBus();
  const reached: ConfigPosition[] = [];
  const committed: ConfigPosition[] = [];
  let changes = 0;
  let broken = false;
  const writer = createRevisionWriter({ bus, bucket: "b", source: "s", committed: (at) => committed.push(at) });
  const reader = createRevisionReader({
    ...{ bus, bucket: "b" },
    apply() {
      changes++;
      if (broken) throw new Error("not now");
    },
    reached: (at) => reached.push(at),
  });
  await writer.start(never);
  await reader.start(never);
  await writer.replace(map({ a: "1" }));
  await waitFor("the first", 5_000, () => reached.length === 1);
  assert.deepEqual(reached[0]?.revisions, { s: 1 });
  assert.deepEqual(committed, reached, "both name the store in the same way");
  // Both revisions are there before the reader looks: it sees no difference.
  void writer.apply({ puts: map({ a: "2" }), deletes: new Set() });
  void writer.apply({ puts: map({ a: "1" }), deletes: new Set() });
  await waitFor("the last", 5_000, () => reached.at(-1)?.revisions.s === committed.at(-1)?.revisions.s);
  broken = true;
  const before = changes;
  await writer.apply({ puts: map({ a: "3" }), deletes: new Set() });
  await waitFor("it was reported", 5_000, () => changes > before);
  assert.notEqual(reached.at(-1)?.revisions.s, committed.at(-1)?.revisions.s, "what was not taken is not reached");
  broken = false;
  await waitFor("it is taken", 5_000, () => reached.at(-1)?.revisions.s === committed.at(-1)?.revisions.s);
  await reader.close?.();
  await writer.close?.();
});
