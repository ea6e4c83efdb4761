import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { waitFor } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import { type NatsServer, startNatsServer } from "@xebec/testing-launch";
import { type Bus, createMemoryBus, createNatsBus } from "./index.ts";

// In a suite, so that its hooks are not those of all files in the process.
describe("bus", () => {
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
        assert.equal(log.at(-1), "b=-", "a closed watch gets nothing");
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

      test("messages reach every subscriber", async () => {
        const subject = `t.${fresh()}`;
        const got: string[] = [];
        const subs = [
          bus.subscribe(`${subject}.*`, (data, on) => got.push(`a ${on.slice(subject.length)} ${Buffer.from(data)}`)),
          bus.subscribe(`${subject}.x`, () => got.push("b")),
          bus.subscribe(`${subject}.y`, () => got.push("wrong")),
        ];
        bus.publish(`${subject}.x`, text("hi"));
        await waitFor("both", 5_000, () => got.length >= 2);
        assert.deepEqual(got.sort(), ["a .x hi", "b"]);
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

      test("requests: all responses, nobody, too late, an error", async () => {
        const subject = `r.${fresh()}`;
        assert.deepEqual(await bus.requestAll(subject, text(""), { timeoutMs: 500 }), []);
        const one = bus.respond(subject, (data) => Buffer.concat([Buffer.from("1 "), data]));
        const two = bus.respond(subject, async (data) => Buffer.concat([Buffer.from("2 "), data]));
        // Who answers long after the first one is not waited for: a busy machine may need a second request.
        const all = await waitFor("both answer", 5_000, async () => {
          const found = await bus.requestAll(subject, text("?"), { timeoutMs: 500 });
          return found.length === 2 ? found : undefined;
        });
        assert.deepEqual(all.map((each) => Buffer.from(each).toString()).sort(), ["1 ?", "2 ?"]);
        one.close();
        two.close();

        const failing = bus.respond(`${subject}.bad`, () => {
          throw new XebecError("permission_denied", "not you");
        });
        const errors = await waitFor("the error", 5_000, async () => {
          const found: string[] = [];
          const responses = await bus.requestAll(`${subject}.bad`, text(""), {
            timeoutMs: 500,
            failed: (error) => found.push(`${error.code}: ${error.message}`),
          });
          assert.deepEqual(responses, []);
          return found.length > 0 ? found : undefined;
        });
        assert.deepEqual(errors, ["permission_denied: not you"]);
        failing.close();
        const silent = bus.respond(`${subject}.slow`, () => new Promise<Uint8Array>(() => {}));
        assert.deepEqual(await bus.requestAll(`${subject}.slow`, text(""), { timeoutMs: 50 }), []);
        silent.close();
      });
    });
  }
});
