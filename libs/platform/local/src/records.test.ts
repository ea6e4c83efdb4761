import assert from "node:assert/strict";
import { test } from "node:test";
import type { PodRecord } from "@xebec/model-workloads";
import { addressPlan } from "./address-plan.ts";
import type { KubeService } from "./manifest-objects.ts";
import { controlPlaneRecords, serviceRecords } from "./records.ts";

function pod(name: string, labels: Record<string, string>, ready: boolean): PodRecord {
  return {
    type: "pod",
    namespace: "shop",
    name,
    uid: name,
    ip: `127.60.1.${name.length}`,
    appIp: "127.60.2.1",
    labels,
    annotations: {},
    serviceAccount: "default",
    node: "localhost",
    workload: { kind: "Deployment", name },
    ports: [{ name: "web", containerPort: 9080 }],
    ready,
  };
}

const SERVICE: KubeService = {
  kind: "Service",
  metadata: { name: "web", namespace: "shop", labels: {}, annotations: {} },
  selector: { app: "web" },
  headless: false,
  ports: [
    { name: "http", port: 80, targetPort: "web", protocol: "TCP" },
    { name: "admin", port: 81, targetPort: "none", protocol: "TCP" },
  ],
};

test("a service has the pods of its namespace that its selector meets, ready or not, with named ports resolved", () => {
  const [record, endpoints] = serviceRecords(SERVICE, [
    pod("a", { app: "web" }, true),
    pod("bb", { app: "web", version: "v2" }, false),
    pod("ccc", { app: "other" }, true),
    { ...pod("dddd", { app: "web" }, true), namespace: "elsewhere" },
  ]);
  assert.equal(record?.type === "service" && record.hostname, "web.shop.svc.cluster.local");
  assert.deepEqual(endpoints?.type === "endpoints" && endpoints.subsets, [
    { addresses: [{ ip: "127.60.1.1", ready: true, pod: "shop/a" }], ports: [{ name: "http", port: 9080 }] },
    { addresses: [{ ip: "127.60.1.2", ready: false, pod: "shop/bb" }], ports: [{ name: "http", port: 9080 }] },
  ]);
});

test("a service without selector has no endpoints of its own", () => {
  assert.equal(serviceRecords({ ...SERVICE, selector: {} }, [pod("a", { app: "web" }, true)]).length, 1);
});

test("the control plane is reached by its usual names", () => {
  const records = controlPlaneRecords(addressPlan(60));
  const policy = records.find((each) => each.type === "endpoints" && each.name === "istio-policy");
  assert.deepEqual(policy?.type === "endpoints" && policy.subsets[0]?.addresses, [{ ip: "127.60.0.7", ready: true }]);
});
