import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { waitFor } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import { type NatsServer, startNatsServer } from "@xebec/testing-launch";
import { type Bus, createMemoryBus, createNatsBus } from "./index.ts";

// The contract: every implementation of the bus behaves like this.
const never = new AbortController().signal;
const text = (value: string): Uint8Array => Buffer.from(value);
let server: NatsServer;
let count = 0;

const implementations: Record<string, (name: string) => Bus> = {
  memory: () => createMemoryBus(),
  nats: (name) => createNatsBus({ servers: [server.address], name }),
};

before(async () => {
  server = await startNatsServer();
});
after(() => server.close());

for (const [name, create] of Object.entries(implementations)) {
  describe(`${name} bus`, () => {
    let bus: Bus;
    before(async () => {
      bus = create("contract");
      await bus.start(never);
    });
    after(() => bus.close?.());
    const fresh = (): string => `test-${name}-${count++}`;

    test("a watch yields everything, then synced, then changes", async () => {
      const bucket = bus.bucket(fresh());
      await bucket.put("a", text("1"));
      await bucket.put("b", text("2"));
      const log: string[] = [];
      const watch = bucket.watch({
        entry: (key, value) => log.push(`${key}=${value ? Buffer.from(value).toString() : "-"}`),
        synced: () => log.push("synced"),
      });
      await waitFor("synced", 5_000, () => log.includes("synced"));
      assert.deepEqual(log, ["a=1", "b=2", "synced"]);
      await bucket.put("a", text("3"));
      await waitFor("the put", 5_000, () => log.at(-1) === "a=3");
      await bucket.delete("b");
      await waitFor("the delete", 5_000, () => log.at(-1) === "b=-");
      assert.equal(await bucket.get("b"), undefined);
      assert.deepEqual(Buffer.from((await bucket.get("a")) ?? []).toString(), "3");
      assert.equal(await bucket.get("never"), undefined);
      watch.close();
      await bucket.put("a", text("4"));
      const second: string[] = [];
      const late = bucket.watch({
        entry: (key, value) => second.push(`${key}=${value ? Buffer.from(value).toString() : "-"}`),
        synced: () => second.push("synced"),
      });
      await waitFor("synced", 5_000, () => second.includes("synced"));
      assert.deepEqual(
        second.filter((line) => !line.endsWith("-")),
        ["a=4", "synced"],
      );
      assert.equal(log.at(-1), "b=-", "a closed watch is told nothing");
      late.close();
    });

    test("keys may hold any text", async () => {
      const bucket = bus.bucket(fresh());
      const keys = [
        "networking.istio.io/VirtualService/default/a.b",
        "node~10.0.0.1~x y~z",
        ".",
        "a..b",
        "ä*>",
        "k=3D",
        ".",
      ];
      for (const key of keys) await bucket.put(key, text(key));
      const seen = new Map<string, string>();
      let synced = false;
      const watch = bucket.watch({
        entry: (key, value) => seen.set(key, Buffer.from(value ?? []).toString()),
        synced: () => {
          synced = true;
        },
      });
      await waitFor("synced", 5_000, () => synced);
      assert.deepEqual([...seen.keys()].sort(), [...new Set(keys)].sort());
      for (const [key, value] of seen) assert.equal(value, key);
      assert.equal(Buffer.from((await bucket.get("ä*>")) ?? []).toString(), "ä*>");
      watch.close();
      await assert.rejects(bucket.put("", text("x")), XebecError);
      await assert.rejects(bucket.put("x".repeat(501), text("x")), XebecError);
    });

    test("many keys, many writes to one key: the last value wins", async () => {
      const bucket = bus.bucket(fresh());
      await Promise.all(Array.from({ length: 700 }, (_, i) => bucket.put(`k${i}`, text(String(i)))));
      await Promise.all(Array.from({ length: 50 }, (_, i) => bucket.put("k0", text(`round ${i}`))));
      const seen = new Map<string, string>();
      let synced = false;
      const watch = bucket.watch({
        entry: (key, value) => seen.set(key, Buffer.from(value ?? []).toString()),
        synced: () => {
          synced = true;
        },
      });
      await waitFor("synced", 5_000, () => synced);
      assert.equal(seen.size, 700);
      assert.deepEqual([seen.get("k0"), seen.get("k699")], ["round 49", "699"]);
      watch.close();
    });

    test("a value larger than a message comes back whole, and gives way to a small one", async () => {
      const bucket = bus.bucket(fresh());
      const large = randomBytes(2_500_000);
      const seen = new Map<string, Uint8Array | undefined>();
      const watch = bucket.watch({ entry: (key, value) => seen.set(key, value), synced: () => {} });
      await bucket.put("big", large);
      await waitFor("the value", 10_000, () => seen.get("big")?.byteLength === large.length);
      assert.equal(Buffer.compare(seen.get("big") as Uint8Array, large), 0);
      assert.equal(Buffer.compare((await bucket.get("big")) as Uint8Array, large), 0);
      const listed = new Map<string, Uint8Array | undefined>();
      const again = bucket.watch({ entry: (key, value) => listed.set(key, value), synced: () => {} });
      await waitFor("the list", 10_000, () => listed.has("big"));
      assert.deepEqual([...listed.keys()], ["big"]);
      assert.equal(Buffer.compare(listed.get("big") as Uint8Array, large), 0);
      const other = randomBytes(1_500_000);
      await bucket.put("big", other);
      await waitFor("the next value", 10_000, () => seen.get("big")?.byteLength === other.length);
      await bucket.put("big", text("small"));
      await waitFor("the small value", 5_000, () => seen.get("big")?.byteLength === 5);
      watch.close();
      again.close();
    });

    test("messages reach every subscriber, and one of a queue group", async () => {
      const subject = `t.${fresh()}`;
      const got: string[] = [];
      const subs = [
        bus.subscribe(`${subject}.*`, (data, on) => got.push(`a ${on.slice(subject.length)} ${Buffer.from(data)}`)),
        bus.subscribe(`${subject}.x`, () => got.push("group"), { queue: "g" }),
        bus.subscribe(`${subject}.x`, () => got.push("group"), { queue: "g" }),
        bus.subscribe(`${subject}.y`, () => got.push("wrong")),
      ];
      bus.publish(`${subject}.x`, text("hi"));
      await waitFor("both", 5_000, () => got.length >= 2);
      assert.deepEqual(got.sort(), ["a .x hi", "group"]);
      for (const each of subs) each.close();
      bus.publish(`${subject}.x`, text("late"));
      let marker = false;
      const end = bus.subscribe(`${subject}.end`, () => {
        marker = true;
      });
      bus.publish(`${subject}.end`, text(""));
      await waitFor("the marker", 5_000, () => marker);
      assert.equal(got.length, 2);
      end.close();
    });

    test("requests: one answer, all answers, nobody, too late, an error", async () => {
      const subject = `r.${fresh()}`;
      await assert.rejects(bus.request(subject, text(""), { timeoutMs: 1_000 }), { code: "unavailable" });
      assert.deepEqual(await bus.requestAll(subject, text(""), { timeoutMs: 500 }), []);
      const one = bus.respond(subject, (data) => Buffer.concat([Buffer.from("1 "), data]));
      const two = bus.respond(subject, async (data) => Buffer.concat([Buffer.from("2 "), data]));
      await waitFor(
        "both answer",
        5_000,
        async () => (await bus.requestAll(subject, text("?"), { timeoutMs: 500 })).length === 2,
      );
      const all = await bus.requestAll(subject, text("?"), { timeoutMs: 500 });
      assert.deepEqual(all.map((each) => Buffer.from(each).toString()).sort(), ["1 ?", "2 ?"]);
      assert.match(Buffer.from(await bus.request(subject, text("x"), { timeoutMs: 1_000 })).toString(), /^[12] x$/);
      one.close();
      two.close();

      const failing = bus.respond(`${subject}.bad`, () => {
        throw new XebecError("permission_denied", "not you");
      });
      await waitFor("the refusal", 5_000, async () => {
        const error = await bus
          .request(`${subject}.bad`, text(""), { timeoutMs: 1_000 })
          .catch((fault: unknown) => fault);
        return error instanceof XebecError && error.code === "permission_denied" && error.message === "not you";
      });
      const faults: string[] = [];
      const answered = await bus.requestAll(`${subject}.bad`, text(""), {
        timeoutMs: 500,
        failed: (error) => faults.push(`${error.code}: ${error.message}`),
      });
      assert.deepEqual([answered, faults], [[], ["permission_denied: not you"]]);
      failing.close();
      const silent = bus.respond(`${subject}.slow`, () => new Promise<Uint8Array>(() => {}));
      await waitFor("the timeout", 5_000, async () => {
        const error = await bus
          .request(`${subject}.slow`, text(""), { timeoutMs: 50 })
          .catch((fault: unknown) => fault);
        return error instanceof XebecError && error.code === "deadline_exceeded";
      });
      silent.close();
    });

    test("work is done once by one of the workers, and again when it failed", async () => {
      const queue = bus.workQueue(fresh());
      const done: string[] = [];
      let failures = 0;
      const handler = async (data: Uint8Array): Promise<void> => {
        const item = Buffer.from(data).toString();
        if (item === "2" && failures++ === 0) throw new XebecError("unavailable", "the sink is down");
        done.push(item);
      };
      await Promise.all(["1", "2", "3"].map((item) => queue.add(text(item))));
      const workers = [queue.work(handler), queue.work(handler, { concurrency: 2 })];
      await waitFor("all", 10_000, () => done.length === 3);
      assert.deepEqual(done.sort(), ["1", "2", "3"]);
      assert.equal(failures, 2);
      for (const each of workers) each.close();
    });
  });
}
