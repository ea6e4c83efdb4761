// What galley publishes of the Services, Pods, Nodes and Secrets of a real API server.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { waitFor } from "@xebec/core-async";
import { createMemoryBus } from "@xebec/platform-bus";
import { type KubeClient, pathOf, RESOURCES } from "@xebec/platform-kube";
import { type Kube, kubeMissing } from "@xebec/testing-kube";
import { busContent, create, galleyReplica, installCrds, startGalleyKube } from "./galley-lab.ts";

const skip = kubeMissing();
const never = new AbortController().signal;
let kube: Kube;
let client: KubeClient;

before(async () => {
  if (skip === undefined) ({ kube, client } = await startGalleyKube());
});
after(async () => {
  client?.close();
  await kube?.close();
});

test("services, endpoints, pods and nodes reach the bus, and of Secrets those that Gateways name", {
  skip,
}, async () => {
  await installCrds(client);
  const bus = createMemoryBus();
  await bus.start(never);
  await using galley = await galleyReplica(kube.kubeconfig, bus);
  await using content = await busContent(bus);
  const pods = { namespace: "default", name: "reviews-6d9-x" };
  await create(client, "/api/v1/nodes", {
    metadata: { name: "n1", labels: { "topology.kubernetes.io/region": "eu", "topology.kubernetes.io/zone": "eu-1" } },
  });
  await create(client, "/api/v1/namespaces/default/services", {
    metadata: {
      name: "reviews",
      labels: { app: "reviews" },
      annotations: { "networking.istio.io/exportTo": ".", other: "x" },
    },
    spec: { selector: { app: "reviews" }, ports: [{ name: "http", port: 9080, targetPort: "web" }] },
  });
  await create(client, "/api/v1/namespaces/default/pods", {
    metadata: {
      ...{ name: pods.name, labels: { app: "reviews", "pod-template-hash": "6d9" } },
      ownerReferences: [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: "reviews-6d9", uid: "u", controller: true }],
    },
    spec: { nodeName: "n1", containers: [{ name: "c", image: "x", ports: [{ name: "web", containerPort: 8080 }] }] },
  });
  await create(client, "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", {
    metadata: { name: "reviews-abc", labels: { "kubernetes.io/service-name": "reviews" } },
    addressType: "IPv4",
    ports: [{ name: "http", port: 8080 }],
    endpoints: [
      {
        addresses: ["10.1.0.5"],
        conditions: { ready: true },
        targetRef: { kind: "Pod", namespace: "default", name: pods.name },
      },
      { addresses: ["10.1.0.6"], conditions: { ready: false } },
    ],
  });
  await client.patch(
    RESOURCES.pods,
    { ...pods, subresource: "status" },
    {
      status: {
        phase: "Running",
        podIP: "10.1.0.5",
        podIPs: [{ ip: "10.1.0.5" }],
        conditions: [{ type: "Ready", status: "True" }],
      },
    },
  );
  const pod = await waitFor("the pod", 60_000, () => {
    const record = content.workload("pod/default/reviews-6d9-x");
    return record?.type === "pod" && record.ready ? record : undefined;
  });
  assert.equal(pod.labels.app, "reviews");
  assert.deepEqual(
    // API servers since 1.35 copy the labels of the node that say where it is.
    { ...pod, uid: "", labels: {} },
    {
      ...{ type: "pod", namespace: "default", name: pods.name, uid: "", ip: "10.1.0.5", labels: {} },
      ...{ serviceAccount: "default", node: "n1", workload: { kind: "Deployment", name: "reviews" } },
      ...{ ports: [{ name: "web", containerPort: 8080, container: "c" }], ready: true, locality: "eu/eu-1" },
    },
  );
  const service = await waitFor("the service", 60_000, () => content.workload("service/default/reviews"));
  assert.equal(service.type, "service");
  assert.deepEqual(
    service.type === "service" && [service.hostname, service.addresses.length, service.annotations, service.ports],
    [
      "reviews.default.svc.cluster.local",
      1,
      { "networking.istio.io/exportTo": "." },
      [{ name: "http", port: 9080, targetPort: "web", protocol: "TCP" }],
    ],
  );
  assert.deepEqual(await waitFor("endpoints", 60_000, () => content.workload("endpoints/default/reviews")), {
    ...{ type: "endpoints", namespace: "default", name: "reviews" },
    subsets: [
      {
        addresses: [
          { ip: "10.1.0.5", ready: true, pod: `default/${pods.name}` },
          { ip: "10.1.0.6", ready: false },
        ],
        ports: [{ name: "http", port: 8080 }],
      },
    ],
  });
  // A node that gets another place moves its pods.
  await client.patch(
    RESOURCES.nodes,
    { name: "n1" },
    { metadata: { labels: { "topology.kubernetes.io/zone": "eu-2" } } },
  );
  await waitFor("the other locality", 60_000, () => {
    const record = content.workload("pod/default/reviews-6d9-x");
    return record?.type === "pod" && record.locality === "eu/eu-2";
  });
  await client.delete(RESOURCES.pods, pods).catch(() => {});
  await client
    .patch(RESOURCES.pods, { ...pods, subresource: "status" }, { status: { phase: "Succeeded" } })
    .catch(() => {});
  await waitFor("the ended pod is gone", 60_000, () => content.workload("pod/default/reviews-6d9-x") === undefined);
  // Secrets.
  for (const name of ["bookinfo-cert", "nobodys"])
    await create(client, "/api/v1/namespaces/istio-system/secrets", {
      ...{ metadata: { name }, type: "Opaque" },
      stringData: { cert: "CERT", key: "KEY", "ca.crt": "CA", crl: "CRL", other: "x" },
    });
  const gateway = { group: "networking.istio.io", version: "v1", kind: "Gateway", plural: "gateways" };
  const tls = { mode: "MUTUAL", credentialName: "bookinfo-cert" };
  await create(client, pathOf(gateway, { namespace: "default" }), {
    ...{ apiVersion: "networking.istio.io/v1", kind: "Gateway", metadata: { name: "g" } },
    spec: {
      selector: { istio: "ingressgateway" },
      servers: [{ port: { number: 443, name: "https", protocol: "HTTPS" }, hosts: ["*"], tls }],
    },
  });
  const secret = await waitFor("the Secret", 60_000, () => content.secret("Secret/istio-system/bookinfo-cert"));
  assert.deepEqual(Object.keys(secret.data).sort(), ["ca.crt", "cert", "crl", "key"]);
  assert.equal(content.size(2), 1);
  await client.patch(
    RESOURCES.secrets,
    { namespace: "istio-system", name: "bookinfo-cert" },
    { stringData: { cert: "NEW" } },
  );
  await waitFor(
    "the rotated one",
    60_000,
    () =>
      Buffer.from(content.secret("Secret/istio-system/bookinfo-cert")?.data.cert ?? "", "base64").toString() === "NEW",
  );
  await client.delete(gateway, { namespace: "default", name: "g" });
  await waitFor("nobody names it", 60_000, () => content.size(2) === 0);
  assert.deepEqual(galley.missing(), []);
});

test("a NodePort Service with traffic.istio.io/nodeSelector is reached at the nodes that have the labels", {
  skip,
}, async () => {
  const bus = createMemoryBus();
  await bus.start(never);
  const node = async (name: string, role: string, address: string): Promise<void> => {
    await create(client, "/api/v1/nodes", { metadata: { name, labels: { role } } });
    const addresses = [
      { type: "InternalIP", address: "10.0.0.9" },
      { type: "ExternalIP", address },
    ];
    await client.patch(RESOURCES.nodes, { name, subresource: "status" }, { status: { addresses } });
  };
  await node("edge-1", "edge", "192.0.2.1");
  await node("worker-1", "worker", "192.0.2.2");
  await create(client, "/api/v1/namespaces/istio-system/services", {
    metadata: { name: "istio-ingressgateway", annotations: { "traffic.istio.io/nodeSelector": '{"role": "edge"}' } },
    spec: { type: "NodePort", ports: [{ name: "tls", port: 15443, nodePort: 31443 }] },
  });
  await using _galley = await galleyReplica(kube.kubeconfig, bus);
  await using content = await busContent(bus);
  const reached = async (what: string, addresses: readonly string[] | undefined): Promise<void> => {
    await waitFor(what, 60_000, () => {
      const record = content.workload("service/istio-system/istio-ingressgateway");
      return record?.type === "service" && isDeepStrictEqual(record.externalAddresses, addresses) && record;
    });
  };
  await reached("one node", ["192.0.2.1"]);
  const found = content.workload("service/istio-system/istio-ingressgateway");
  assert.deepEqual(found?.type === "service" && found.externalPorts, { 15443: 31443 });
  await node("edge-2", "edge", "192.0.2.3");
  await reached("a node that comes", ["192.0.2.1", "192.0.2.3"]);
  await client.patch(RESOURCES.nodes, { name: "edge-1" }, { metadata: { labels: { role: "worker" } } });
  await reached("a node with other labels", ["192.0.2.3"]);
  await client.delete(RESOURCES.nodes, { name: "edge-2" });
  await reached("no node", undefined);
});
