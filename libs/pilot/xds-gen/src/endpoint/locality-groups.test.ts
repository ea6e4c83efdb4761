import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MeshEndpoint } from "@xebec/pilot-registry";
import { keyed } from "../scope/keyed.ts";
import { NOWHERE } from "../scope/place.ts";
import type { LocalityBalance } from "./locality-balance.ts";
import { balanced, byLocality } from "./locality-groups.ts";

const at = (locality: string, labels: Record<string, string> = {}, weight = 1): MeshEndpoint => ({
  ...{ address: "10.0.0.1", ports: {}, labels, locality, weight, mtls: false },
});
const ALL = ["eu/north/a", "eu/north/b", "eu/south/a", "us/east/a", "asia/x/y"].map((each) => at(each));
const over = (more: object = {}): LocalityBalance => ({ failover: [], failoverPriority: [], ...more });
const to = (to: Record<string, number>, from = "eu/*"): LocalityBalance => ({ distribute: [{ from, to }] });

/** Each group as `locality priority weight`. */
const groups = (
  endpoints: readonly MeshEndpoint[],
  balance: LocalityBalance,
  locality = "eu/north/a",
  labels: Record<string, string> = {},
): string[] => {
  const { key: _key, ...nowhere } = NOWHERE;
  const found = balanced(byLocality(endpoints), balance, keyed({ ...nowhere, locality }), labels);
  return found.map((each) => `${each.locality} ${each.priority} ${each.weight}`);
};

describe("the localities of a client", () => {
  for (const [what, found, expected] of [
    [
      "are ordered by their distance",
      groups(ALL, over()),
      ["eu/north/a 0 1", "eu/north/b 1 1", "eu/south/a 2 1", "asia/x/y 3 1", "us/east/a 3 1"],
    ],
    [
      "have priorities without gaps",
      groups([at("eu/south/a"), at("us/east/a")], over()),
      ["eu/south/a 0 1", "us/east/a 1 1"],
    ],
    [
      "of a region are stood in for by the region that a rule names",
      groups(ALL.slice(3), over({ failover: [{ from: "eu", to: "us" }] })),
      ["us/east/a 0 1", "asia/x/y 1 1"],
    ],
    [
      "are all alike for a client that is nowhere",
      groups([at("eu/north/a"), at("us/east/a")], over(), ""),
      ["eu/north/a 0 1", "us/east/a 0 1"],
    ],
    [
      "share the traffic as a rule says; those that it does not name get none",
      groups(ALL, to({ "eu/north/*": 80, "us/*": 20 })),
      ["eu/north/a 0 40", "eu/north/b 0 40", "us/east/a 0 20"],
    ],
    [
      "share it by their endpoints where one rule is for several",
      groups([at("eu/north/a", {}, 3), at("eu/south/a")], to({ eu: 100 })),
      ["eu/north/a 0 75", "eu/south/a 0 25"],
    ],
    [
      "keep their share where no rule is for the client",
      groups([at("eu/north/a", {}, 3), at("us/east/a")], to({ us: 100 }, "asia")),
      ["eu/north/a 0 3", "us/east/a 0 1"],
    ],
    [
      "are preferred by labels, up to the first that differs",
      groups(
        [at("eu", { a: "1", b: "1" }), at("eu", { a: "1", b: "2" }), at("eu", { a: "2", b: "1" })],
        over({ failoverPriority: ["a", "b"] }),
        "eu",
        { a: "1", b: "1" },
      ),
      ["eu 0 1", "eu 1 1", "eu 2 1"],
    ],
    [
      "are preferred by a label with a value of its own",
      groups([at("eu", { v: "1" }), at("eu", { v: "2" })], over({ failoverPriority: ["v=2"] }), "eu", { v: "1" }),
      ["eu 0 1", "eu 1 1"],
    ],
    [
      "are preferred by what is known of a place",
      groups(
        ALL.slice(0, 4),
        over({ failoverPriority: ["topology.kubernetes.io/region", "topology.kubernetes.io/zone"] }),
      ),
      ["eu/north/a 0 1", "eu/north/b 0 1", "eu/south/a 1 1", "us/east/a 2 1"],
    ],
    [
      "go by labels first, then by the distance",
      groups(
        [at("eu/north/a", { v: "1" }), at("us", { v: "1" }), at("eu/north/a", { v: "2" })],
        over({ failoverPriority: ["v"], failover: [{ from: "eu", to: "us" }] }),
        "eu/north/a",
        { v: "1" },
      ),
      ["eu/north/a 0 1", "us 1 1", "eu/north/a 2 1"],
    ],
  ] as const)
    it(what, () => assert.deepEqual(found, expected));
});
