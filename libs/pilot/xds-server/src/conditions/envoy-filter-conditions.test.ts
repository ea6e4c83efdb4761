// What the condition of an EnvoyFilter says of each of its patches.
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { loadWholeApi } from "@xebec/api-envoy";
import type { Resource } from "@xebec/model-resources";
import { CAPTURED, HOST, object, ROUTER, SIDECAR, said } from "./said.testkit.ts";

const ALL = [SIDECAR, CAPTURED, ROUTER];
const filter = (...configPatches: readonly object[]): Resource =>
  object("EnvoyFilter", "ef", "default", { configPatches });
const patch = (applyTo: string, operation: string, value?: object, match?: object): object => ({
  ...{ applyTo, patch: { operation, ...(value ? { value } : {}) } },
  ...(match ? { match } : {}),
});
const SERVICE = { cluster: { service: HOST } };
const NOWHERE = { cluster: { service: "nowhere.example.com" } };
const merge = (match: object): object => patch("CLUSTER", "MERGE", { alt_stat_name: "x" }, match);
const UNMATCHED = "no proxy that is connected has what it matches, or it changes nothing there";
const NOBODY = "NoProxyAffected: no proxy that is connected got anything of it";
const BAD = patch("CLUSTER", "MERGE", { connect_timeout: "soon" }, SERVICE);

describe("the condition of an EnvoyFilter", () => {
  before(() => loadWholeApi());

  for (const [name, object, expected] of [
    ["all patches are applied", filter(merge(SERVICE), merge({})), "Attached"],
    [
      "one matches nothing",
      filter(merge(SERVICE), merge(NOWHERE)),
      `PartlyResolved: spec.configPatches[1]: ${UNMATCHED}`,
    ],
    ["none matches anything", filter(merge(NOWHERE)), `${NOBODY}; spec.configPatches[0]: ${UNMATCHED}`],
    ["one that leaves nothing of what it matches", filter(patch("CLUSTER", "REMOVE", undefined, SERVICE)), "Attached"],
    ["a cluster that no service has", filter(merge({ cluster: { name: "BlackHoleCluster" } })), "Attached"],
    [
      "a removal of what is not there",
      filter(patch("CLUSTER", "REMOVE", undefined, NOWHERE)),
      `${NOBODY}; spec.configPatches[0]: ${UNMATCHED}`,
    ],
    ["an addition", filter(patch("CLUSTER", "ADD", { name: "mine" })), "Attached"],
    [
      "an addition for a context that no proxy has",
      filter(
        merge(SERVICE),
        patch("VIRTUAL_HOST", "ADD", { name: "mine", domains: ["mine"] }, { routeConfiguration: { name: "none" } }),
      ),
      `PartlyResolved: spec.configPatches[1]: ${UNMATCHED}`,
    ],
    [
      "a value of a wrong type beside a good patch",
      filter(BAD, merge(SERVICE)),
      /^PartlyResolved: spec\.configPatches\[0\]\.patch\.value: .*connect_timeout/,
    ],
    [
      "a value of a wrong type alone",
      filter(BAD),
      /^NoProxyAffected: .* got anything of it; spec\.configPatches\[0\]\.patch\.value: .*connect_timeout[^;]*$/,
    ],
    [
      "an added value of a wrong type",
      filter(patch("CLUSTER", "ADD", { name: 7 })),
      /^NoProxyAffected: .*spec\.configPatches\[0\]\.patch\.value: /,
    ],
    [
      "BOOTSTRAP",
      filter(merge(SERVICE), patch("BOOTSTRAP", "MERGE", {})),
      /^PartlyResolved: spec\.configPatches\[1\]: no proxy that is connected was started with it; [^;]*$/,
    ],
  ] as const)
    it(name, async () => {
      const text = await said([object], ALL);
      if (typeof expected === "string") assert.equal(text, expected);
      else assert.match(text, expected);
    });

  it("is judged by the object alone while nobody is there", async () => {
    assert.equal(await said([filter(merge(NOWHERE))], []), "Attached");
  });
});
