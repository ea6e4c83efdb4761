import assert from "node:assert/strict";
import { it } from "node:test";
import type { Resource } from "@xebec/model-resources";
import type { PodRecord } from "@xebec/model-workloads";
import { object, snapshotOf } from "../../small-mesh.testkit.ts";
import { proxyConfigKind } from "./proxy-config.ts";

const pod = (namespace: string, name: string, app: string): PodRecord => ({
  ...{ type: "pod", namespace, name, uid: "", ip: "10.0.0.1", labels: { app }, serviceAccount: "default" },
  ...{ workload: { kind: "Deployment", name: app }, ports: [], ready: true },
});
const PODS = [pod("default", "web-1", "web"), pod("default", "web-2", "web"), pod("other", "db-1", "db")];
const LATER = "; pods get it when they are made; those that run keep what they were injected with";

function said(...objects: readonly Resource[]): string[] {
  const snapshot = { ...snapshotOf(objects), pods: { values: () => PODS } };
  return [...proxyConfigKind.conditions(snapshot)].map(({ reason, message }) => `${reason}: ${message}`);
}
const config = (name: string, spec: object, more: { namespace?: string; created?: string } = {}): Resource => ({
  ...object("ProxyConfig", name, spec, more),
  ...(more.namespace ? { namespace: more.namespace } : {}),
});
const of = (app: string) => ({ selector: { matchLabels: { app } } });

it("a ProxyConfig says for which workloads it is, and from when on", () => {
  assert.deepEqual(said(config("a", {}, { namespace: "istio-system" })), [
    `Attached: is for all workloads of the mesh${LATER}`,
  ]);
  assert.deepEqual(said(config("a", {})), [`Attached: is for web${LATER}`]);
  assert.deepEqual(said(config("a", of("web"))), [`Attached: is for web${LATER}`]);
  assert.deepEqual(said(config("a", of("db"))), [
    `NoProxySelected: no workload of the namespace default has the labels of the selector${LATER}`,
  ]);
  assert.deepEqual(said(config("a", {}, { namespace: "empty" })), [
    `Attached: is for workloads of the namespace empty, which has none${LATER}`,
  ]);
});

it("of two for the same workloads the older one counts", () => {
  const [old, young] = ["2025-01-01T00:00:00Z", "2025-01-02T00:00:00Z"].map((created) => ({ created }));
  assert.deepEqual(said(config("young", of("web"), young), config("old", of("web"), old)), [
    `Attached: is for web${LATER}`,
    "NoProxyAffected: the older old is for the same workloads; only one of them can hold",
  ]);
});
