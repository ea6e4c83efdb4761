import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseManifests } from "./parse-manifests.ts";
import { unsupported } from "./unsupported.ts";

test("a kind that nobody reads is reported, with what was meant", () => {
  assert.deepEqual(unsupported({ apiVersion: "apps/v1", kind: "Deploymnt" }), [
    "kind Deploymnt (apps/v1) is ignored: it does not run here; did you mean Deployment?",
  ]);
  assert.deepEqual(unsupported({ apiVersion: "batch/v1", kind: "CronJob" }), [
    "kind CronJob (batch/v1) is ignored: it does not run here",
  ]);
  for (const apiVersion of ["networking.istio.io/v1", "config.istio.io/v1alpha2"])
    assert.deepEqual(unsupported({ apiVersion, kind: "Gatewya" }), [], "galley speaks of its own groups");
});

test("a field that Kubernetes does not have is reported with its path, one that it has is not", () => {
  const container = { name: "web", readinesProbe: {}, livenessProbe: {} };
  const spec = { replica: 2, template: { spec: { contaners: [], containers: [container], tolerations: [] } } };
  assert.deepEqual(unsupported({ apiVersion: "apps/v1", kind: "Deployment", spec }), [
    "spec.replica is ignored: Kubernetes has no such field; did you mean replicas?",
    "spec.template.spec.contaners is ignored: Kubernetes has no such field; did you mean containers?",
    "spec.template.spec.containers[0].readinesProbe is ignored: Kubernetes has no such field; did you mean readinessProbe?",
  ]);
});

test("the sample has nothing that is unsupported", () => {
  const folder = join(import.meta.dirname, "../../../../deploy/samples/bookinfo/platform");
  for (const name of readdirSync(folder))
    assert.deepEqual(parseManifests(readFileSync(join(folder, name), "utf8")).unsupported, [], name);
});
