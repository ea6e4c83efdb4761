import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { contentHash, type EncodedResource, type ResourcePart, resourceSet, resourceType } from "@xebec/pilot-xds-gen";
import fc from "fast-check";
import { accept, reject } from "./answer.ts";
import { quarantineRejected, releaseSuspected, withoutQuarantined } from "./quarantine.ts";
import { Subscription } from "./subscription.ts";

const resource = (name: string, version = "1", size = 1): EncodedResource => ({
  ...{ name, version, bytes: new Uint8Array(size).fill(7), configKeys: [] },
});

describe("what a client rejects", () => {
  function rejected(names: readonly string[], message: string): { sub: Subscription; named: string[] } {
    const sub = new Subscription(resourceType("cluster"));
    sub.sent = resourceSet(names.map((name) => resource(name)));
    quarantineRejected(sub, message);
    const confirmed = [...sub.quarantine.values()].filter((each) => each.confirmed);
    return { sub, named: confirmed.map((each) => each.resource) };
  }

  const NAMES = ["80", "9080", "http.80", "outbound|80||a.b", "outbound|80||a", "0.0.0.0_80"];
  for (const [message, named] of [
    ["Error adding/updating cluster(s) outbound|80||a: bad", ["outbound|80||a"]],
    [
      "Error adding/updating cluster(s) outbound|80||a: bad, outbound|80||a.b: worse",
      ["outbound|80||a", "outbound|80||a.b"],
    ],
    ["outbound|80||a.b is bad.", ["outbound|80||a.b"]],
    ["route table 9080: unknown cluster 'outbound|80||x'", ["9080"]],
    ["listener '0.0.0.0_80' is bad", ["0.0.0.0_80"]],
    ["(http.80) and 80", ["80", "http.80"]],
    ["the table is 80.", ["80"]],
    ["Only unique values for domains. Duplicate entry of domain a.example.com:80 in route 9080", ["9080"]],
    ["route 9080: port 80 is taken, and 80 ms are too few", ["9080"]],
  ] as const)
    it(`is named by: ${message}`, () => assert.deepEqual(rejected(NAMES, message).named.sort(), [...named]));

  it("is the only thing that was new, when nothing is named", () => {
    assert.deepEqual(rejected(["a"], "no").named, ["a"]);
  });

  it("is found among any number in a few steps, when nothing is ever named, also when it is several", () => {
    const broken = fc.uniqueArray(fc.nat(39), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), broken, (count, dice) => {
        const names = Array.from({ length: count }, (_, i) => `r${i}`);
        const bad = new Set(dice.map((each) => names[each % count]));
        const desired = resourceSet(names.map((name) => resource(name)));
        const sub = new Subscription(resourceType("cluster"));
        let steps = 0;
        // Each is found by halving, and so is what may go on afterwards: twice the depth of the tree for each, and once more.
        const most = 2 * (bad.size + 1) * (Math.ceil(Math.log2(count)) + 1);
        // The client takes whatever is without a bad one, and says nothing of use otherwise.
        for (; steps === 0 || withoutQuarantined(sub, desired).version !== sub.sent.version; steps++) {
          assert.ok(steps <= most, `${steps} steps for ${bad.size} of ${count}`);
          sub.sent = withoutQuarantined(sub, desired);
          if ([...sub.sent.resources.keys()].some((name) => bad.has(name))) {
            quarantineRejected(sub, "no");
            sub.sent = sub.acked;
          } else {
            sub.acked = sub.sent;
            releaseSuspected(sub);
          }
        }
        assert.deepEqual(
          [...sub.acked.resources.keys()],
          names.filter((name) => !bad.has(name)),
        );
        assert.deepEqual(new Set(sub.quarantine.keys()), bad);
        for (const quarantined of sub.quarantine.values()) assert.equal(quarantined.confirmed, true);
      }),
      { numRuns: 1_000 },
    );
  });

  it("is tried again in another version, and served in the last good one until then", () => {
    const sub = new Subscription(resourceType("cluster"));
    sub.acked = resourceSet([resource("a", "good")]);
    sub.sent = resourceSet([resource("a", "bad")]);
    quarantineRejected(sub, "a: no");
    const versionOf = (version: string): string | undefined =>
      withoutQuarantined(sub, resourceSet([resource("a", version)])).resources.get("a")?.version;
    assert.equal(versionOf("bad"), "good");
    assert.equal(versionOf("corrected"), "corrected");
  });

  describe("with parts that can be replaced", () => {
    const part = (name: string, version: string): ResourcePart => ({
      ...{ kind: "virtualHost", name, version, configKeys: [`${name}=${version}`] },
    });
    /** A table of parts, and of a head that cannot be replaced. Its bytes say which, so that equal tables are equal. */
    function table(name: string, head: string, parts: readonly ResourcePart[]): EncodedResource {
      const text = [`${name}.head=${head}`, ...parts.map((each) => `${each.name}=${each.version}`)].join();
      return {
        ...{ name, version: contentHash(text), bytes: Buffer.from(text), parts },
        configKeys: parts.flatMap((each) => each.configKeys),
        withParts: (instead) =>
          table(
            name,
            head,
            parts.flatMap((each) => (instead.has(each.name) ? (instead.get(each.name) ?? []) : each)),
          ),
      };
    }
    /** Tables `t0`, `t1` … of a head and parts with versions. */
    const tables = (versions: readonly (readonly string[])[]) =>
      resourceSet(
        versions.map(([head = "", ...parts], t) =>
          table(
            `t${t}`,
            head,
            parts.map((version, p) => part(`p${t}.${p}`, version)),
          ),
        ),
      );

    it("is found among all tables and all parts of them, and nothing else stays behind", () => {
      const kind = fc.constantFrom("old", "new", "new", "bad");
      const head = fc.constantFrom("old", "old", "new", "bad");
      const some = fc.tuple(head, fc.array(kind, { maxLength: 12 })).map(([first, rest]) => [first, ...rest]);
      fc.assert(
        fc.property(fc.array(some, { minLength: 1, maxLength: 4 }), fc.boolean(), (versions, isFirst) => {
          const desired = tables(versions);
          const sub = new Subscription(resourceType("route"));
          if (!isFirst) sub.acked = sub.sent = tables(versions.map((each) => each.map(() => "old")));
          const count = versions.flat().filter((each) => each === "bad").length;
          let steps = 0;
          for (; steps === 0 || withoutQuarantined(sub, desired).version !== sub.sent.version; steps++) {
            assert.ok(steps <= 18 * (count + 1), `${steps} steps for ${count} of ${versions.flat().length}`);
            sub.sent = withoutQuarantined(sub, desired);
            if ([...sub.sent.resources.values()].some(({ bytes }) => Buffer.from(bytes).includes("bad"))) {
              reject(sub, "no");
            } else accept(sub);
          }
          const confirmed = [...sub.quarantine.values()].filter((each) => each.confirmed);
          for (const [t, [first = "", ...parts]] of versions.entries()) {
            const name = `t${t}`;
            const blamed = confirmed.filter(({ resource: each }) => each === name).map((each) => each.part);
            const served = sub.acked.resources.get(name)?.bytes.toString();
            const all = [first === "bad" ? "old" : first, ...parts.map((each) => (each === "bad" ? "old" : each))];
            const text = [...(tables([all]).resources.get("t0")?.bytes.toString().split(",") ?? [])];
            const ofTable = text.map((each) => each.replace(/^([tp])0/, `$1${t}`));
            assert.doesNotMatch(served ?? "", /bad/);
            if (first !== "bad" && blamed.includes(undefined))
              assert.ok(count > 2, "only when many are rejected at once");
            else if (first === "bad") {
              // The whole stays as it was; which of its parts caused it cannot be seen.
              assert.ok(blamed.includes(undefined));
              assert.equal(served, isFirst ? undefined : ofTable.map((each) => each.replace(/=.*/, "=old")).join());
            } else {
              assert.equal(served, (isFirst ? ofTable.filter((_, i) => versions[t]?.[i] !== "bad") : ofTable).join());
              const broken = parts.flatMap((each, p) => (each === "bad" ? `p${t}.${p}` : []));
              assert.deepEqual(blamed.sort(), broken.sort());
            }
          }
        }),
        { numRuns: 2_000 },
      );
    });
  });
});
