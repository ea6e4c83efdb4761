import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeWorkloadRecord, type WorkloadRecord, workloadKey } from "@xebec/model-workloads";
import { identityOf, peerOfNode } from "./peer.ts";
import { pod, service } from "./test-mesh.testkit.ts";
import { WorkloadIndex } from "./workload-index.ts";

const puts = (...records: WorkloadRecord[]): Map<string, Uint8Array> =>
  new Map(records.map((each) => [workloadKey(each), encodeWorkloadRecord(each)]));
const indexOf = (...records: WorkloadRecord[]): WorkloadIndex => {
  const index = new WorkloadIndex();
  assert.deepEqual(index.apply(puts(...records), new Set()), []);
  return index;
};

test("pods are found by address, the address behind it, uid and identity", () => {
  const index = indexOf({ ...pod("web", "v1", "10.0.0.1"), appIp: "127.11.0.1" });
  for (const peer of [
    index.byIp("10.0.0.1"),
    index.byIp("127.11.0.1"),
    index.byUid("kubernetes://web-v1-abc.default"),
  ]) {
    assert.equal(peer?.workloadName, "web-v1");
    assert.equal(peer?.workloadUid, "istio://default/workloads/web-v1");
    assert.equal(peer?.labels?.get("version"), "v1");
  }
  assert.equal(index.byIp("10.0.0.2"), undefined);
});

test("a certificate wins over an address that belongs to somebody else", () => {
  const index = indexOf(pod("web", "v1", "10.0.0.1"), pod("api", "v1", "10.0.0.2"), {
    ...pod("api", "v1", "10.0.0.3"),
    name: "api-2",
  });
  const principal = "cluster.local/ns/default/sa/api";
  assert.equal(index.byIpAndPrincipal("10.0.0.2", principal)?.name, "api-v1-abc");
  const peer = index.byIpAndPrincipal("10.0.0.1", principal);
  assert.deepEqual([peer?.serviceAccount, peer?.workloadName, peer?.name], ["api", "api-v1", undefined]);
  assert.equal(peer?.labels?.get("app"), "api");
  const several = indexOf(pod("api", "v1", "10.0.0.2"), pod("api", "v2", "10.0.0.3"));
  assert.deepEqual(several.byIpAndPrincipal("10.9.9.9", principal), { namespace: "default", serviceAccount: "api" });
  assert.equal(several.byIpAndPrincipal("10.9.9.9", ""), undefined);
});

test("principals that callers make up do not fill the memory", () => {
  const index = indexOf(pod("api", "v1", "10.0.0.2"));
  const made = (i: number, tail = ""): object | undefined =>
    index.byIpAndPrincipal("10.9.9.9", `cluster.local/ns/n${i}/sa/x${tail}`);
  const first = made(0);
  assert.equal(made(0), first, "one that comes again is remembered");
  for (let i = 1; i <= 10_000; i++) made(i);
  assert.notEqual(made(0), first, "all were forgotten meanwhile");
  assert.notEqual(made(1, "x".repeat(1000)), made(1, "x".repeat(1000)), "a long one is never remembered");
});

test("a change replaces what was known; an address may go to another pod", () => {
  const index = indexOf(pod("web", "v1", "10.0.0.1"));
  index.apply(puts(pod("api", "v1", "10.0.0.1")), new Set());
  index.apply(new Map(), new Set(["pod/default/web-v1-abc"]));
  assert.equal(index.byIp("10.0.0.1")?.workloadName, "api-v1");
  assert.equal(index.byUid("kubernetes://web-v1-abc.default"), undefined);
  assert.equal(index.podCount, 1);
  assert.deepEqual(index.apply(new Map([["pod/default/x", Buffer.from("{")]]), new Set()), ["pod/default/x"]);
});

test("services are found by the names that clients use, and by the pod that serves them", () => {
  const admin = {
    ...service("admin"),
    selector: { app: "reviews" },
    ports: [{ name: "a", port: 1, targetPort: 1, protocol: "TCP" as const }],
  };
  const named = {
    ...service("reviews"),
    ports: [{ name: "http", port: 80, targetPort: "http", protocol: "TCP" as const }],
  };
  const index = indexOf(named, admin, pod("reviews", "v1", "10.0.0.3"));
  for (const [host, namespace] of [
    ["reviews.default.svc.cluster.local", ""],
    ["reviews.default.svc", ""],
    ["reviews.default", ""],
    ["reviews", "default"],
  ] as const)
    assert.equal(index.service(host, namespace)?.name, "reviews", host);
  assert.equal(index.service("reviews", "other"), undefined);
  assert.equal(index.serviceOfPod("10.0.0.3", 9080)?.name, "reviews");
  assert.equal(index.serviceOfPod("10.0.0.3", 1)?.name, "admin");
  assert.equal(index.serviceOfPod("10.0.0.3", 7), undefined);
});

test("a proxy's node describes a pod that no registry knows", () => {
  const peer = peerOfNode("sidecar~10.1.1.1~web-abc.shop~shop.svc.cluster.local", {
    WORKLOAD_NAME: "web",
    NAMESPACE: "shop",
    LABELS: { app: "web", bad: 5 },
  });
  assert.deepEqual([peer.uid, peer.namespace, peer.workloadName], ["kubernetes://web-abc.shop", "shop", "web"]);
  assert.deepEqual([...(peer.labels?.entries() ?? [])], [["app", "web"]]);
  assert.deepEqual(identityOf("spiffe://td/ns/a/sa/b"), { namespace: "a", serviceAccount: "b" });
  assert.equal(identityOf("spiffe://td/other"), undefined);
});
