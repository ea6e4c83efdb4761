import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatIp, type Instance, parseIp, type StringMap, type Workload } from "@xebec/mixer-sdk";
import { paramErrors, startHandler } from "@xebec/mixer-sdk/testkit";
import { createAdapter } from "./kubernetesenv.ts";

const WEB: Workload = {
  uid: "kubernetes://web-1.shop",
  name: "web-1",
  namespace: "shop",
  labels: { app: "web" },
  serviceAccount: "web",
  ip: "10.0.0.1",
  hostIp: "192.168.0.1",
  workloadUid: "istio://shop/workloads/web",
  workloadName: "web",
  owner: "kubernetes://apis/apps/v1/namespaces/shop/deployments/web",
  containers: [
    { name: "web", ports: [8080] },
    { name: "admin", ports: [9000, 9001] },
  ],
};

const adapter = createAdapter({
  workloads: {
    byIp: (ip) => (ip === WEB.ip ? WEB : undefined),
    byUid: (uid) => (uid === WEB.uid ? WEB : undefined),
  },
});

async function find(values: object): Promise<Record<string, unknown>> {
  const handler = await startHandler(adapter, {});
  const instance: Instance = { name: "a.kubernetes.istio-system", types: {}, ...values };
  return { ...(await handler.attributes?.(instance as never, "kubernetes")) };
}

describe("kubernetesenv", () => {
  it("gives every output of a pod that is found by its uid", async () => {
    const found = await find({ destinationUid: WEB.uid, destinationPort: 9001 });
    const { destinationLabels, destinationPodIp, destinationHostIp, ...texts } = found;
    assert.deepEqual([...(destinationLabels as StringMap).entries()], [["app", "web"]]);
    assert.equal((destinationPodIp as Uint8Array).length, 16);
    assert.equal(formatIp(destinationHostIp as Uint8Array), "192.168.0.1");
    assert.deepEqual(texts, {
      destinationPodUid: WEB.uid,
      destinationPodName: "web-1",
      destinationNamespace: "shop",
      destinationServiceAccountName: "web",
      destinationOwner: WEB.owner,
      destinationWorkloadUid: WEB.workloadUid,
      destinationWorkloadName: "web",
      destinationWorkloadNamespace: "shop",
      destinationContainerName: "admin",
    });
  });

  it("looks for the address only without uid, and not for 0.0.0.0", async () => {
    assert.equal((await find({ sourceIp: parseIp("10.0.0.1") })).sourcePodName, "web-1");
    assert.equal((await find({ sourceUid: "", sourceIp: parseIp("::ffff:10.0.0.1") })).sourcePodName, "web-1");
    assert.deepEqual(await find({ sourceUid: "kubernetes://gone.shop", sourceIp: parseIp("10.0.0.1") }), {});
    assert.deepEqual(await find({ sourceIp: parseIp("0.0.0.0"), destinationIp: parseIp("::") }), {});
  });

  it("accepts the parameters of Istio's", () => {
    const params = { kubeconfig_path: "/x", cache_refresh_duration: "5m", cluster_registries_namespace: "a" };
    assert.deepEqual(paramErrors(adapter, params), []);
  });
});
