import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type EncodedResource, resourceSet, resourceType } from "@xebec/pilot-xds-gen";
import fc from "fast-check";
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
    const faulty = fc.uniqueArray(fc.nat(39), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), faulty, (count, dice) => {
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
});
