import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { notWithIstiod } from "./istiod-limits.ts";
import { readScenario } from "./scenario.ts";

const applicable = (name: string): string[] =>
  readScenario(join(import.meta.dirname, `../scenarios/${name}.yaml`), false)
    .steps.filter((step) => notWithIstiod(step) === undefined && !step.remove)
    .map(({ change, ...rest }) => change?.name ?? (Object.keys(rest)[0] as string));

test("with istiod everything is done that needs neither Mixer nor sidecars of real pods", () => {
  assert.deepEqual(applicable("start"), ["restart", "restart"]);
  assert.deepEqual(applicable("rest"), ["rest"]);
  assert.deepEqual(applicable("change"), [
    "apply",
    "VirtualService",
    "endpoint",
    "proxies",
    "VirtualService",
    "endpoint",
  ]);
  for (const name of ["traffic", "failure", "upgrade"]) assert.deepEqual(applicable(name), [], name);
});

test("what cannot be done is said with its reason", () => {
  const change = { name: "Mixer rule", count: 1, objects: [{ apiVersion: "config.istio.io/v1alpha2", kind: "rule" }] };
  assert.match(notWithIstiod({ change } as never) ?? "", /^a change of Mixer rule: istiod has no rule$/);
});
