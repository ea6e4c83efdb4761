import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type DiscoverySelectors, selectsNamespace } from "./discovery-selectors.ts";

const one = (operator: "In" | "NotIn" | "Exists" | "DoesNotExist", ...values: string[]) => [
  { matchExpressions: [{ key: "env", operator, ...(values.length > 0 ? { values } : {}) }] },
];

describe("discoverySelectors: which namespaces are read", () => {
  const prod = { env: "prod", mesh: "yes" };
  for (const [what, selectors, labels, expected] of [
    ["no selector: all", [], {}, true],
    ["a selector without conditions: all", [{}], {}, true],
    ["the label", [{ matchLabels: { env: "prod" } }], prod, true],
    ["another value", [{ matchLabels: { env: "test" } }], prod, false],
    ["no such label", [{ matchLabels: { env: "prod" } }], {}, false],
    ["all labels of a selector", [{ matchLabels: { env: "prod", mesh: "no" } }], prod, false],
    ["one of several selectors", [{ matchLabels: { env: "test" } }, { matchLabels: { mesh: "yes" } }], prod, true],
    ["In", one("In", "test", "prod"), prod, true],
    ["In, another value", one("In", "test"), prod, false],
    ["In, no such label", one("In", "test"), {}, false],
    ["NotIn", one("NotIn", "test"), prod, true],
    ["NotIn, one of them", one("NotIn", "test", "prod"), prod, false],
    ["NotIn, no such label", one("NotIn", "prod"), {}, true],
    ["Exists", one("Exists"), prod, true],
    ["Exists, no such label", one("Exists"), {}, false],
    ["DoesNotExist", one("DoesNotExist"), {}, true],
    ["DoesNotExist, the label is there", one("DoesNotExist"), prod, false],
    ["labels and conditions: both", [{ matchLabels: { mesh: "yes" }, ...one("In", "test")[0] }], prod, false],
  ] as readonly (readonly [string, DiscoverySelectors, Record<string, string>, boolean])[])
    it(what, () => {
      assert.equal(selectsNamespace(selectors, labels), expected);
    });
});
