// Galley's source, and what it publishes of a cluster, on a real API server.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { waitFor } from "@xebec/core-async";
import { validateObject } from "@xebec/galley-validate";
import { allCrds, KINDS, type Kind, keyOf, type Resource } from "@xebec/model-resources";
import { createMemoryBus } from "@xebec/platform-bus";
import {
  apiVersionOf,
  isAlreadyExists,
  type KubeClient,
  openKubeClient,
  pathOf,
  RESOURCES,
} from "@xebec/platform-kube";
import { type Kube, kubeMissing, startKube } from "@xebec/testing-kube";
import fc from "fast-check";
import { arbitraryObject } from "../golden/arbitrary-spec.ts";
import { cutProxy } from "./cut-proxy.ts";
import { busContent, create, galleyReplica } from "./galley-lab.ts";

const skip = kubeMissing();
const never = new AbortController().signal;
let kube: Kube;
let client: KubeClient;

before(async () => {
  if (skip !== undefined) return;
  kube = await startKube({ controllers: false, apiServerFlags: ["--disable-admission-plugins=ServiceAccount"] });
  client = await openKubeClient({ kubeconfig: kube.kubeconfig });
  await create(client, "/api/v1/namespaces", { metadata: { name: "istio-system" } });
});
after(async () => {
  client?.close();
  await kube?.close();
});

async function installCrds(): Promise<void> {
  for (const crd of allCrds())
    await create(client, pathOf(RESOURCES.customResourceDefinitions), crd).catch((error: unknown) => {
      if (!isAlreadyExists(error)) throw error;
    });
}

const typeOf = ({ group, kind, plural, versions, clusterScoped }: Kind) => ({
  ...{ group, kind, plural, version: versions.at(-1) ?? "", clusterScoped: clusterScoped === true },
});

/** A valid object of a kind, and what becomes of it. */
function sampleOf(kind: Kind): { readonly object: Record<string, unknown>; readonly resource: Resource } | undefined {
  for (const value of fc.sample(arbitraryObject(kind.kind), { numRuns: 60, seed: 7 })) {
    const metadata = { ...(value.metadata as object), ...(kind.clusterScoped ? {} : { namespace: "default" }) };
    const object = { ...value, apiVersion: apiVersionOf(typeOf(kind)), kind: kind.kind, metadata };
    const result = validateObject({ value: object });
    if (result.outcome === "accepted") return { object, resource: result.resource };
  }
  return undefined;
}

test("every kind reaches the bus, its CRD installed late; what the API server prunes is nothing", {
  skip,
}, async () => {
  const bus = createMemoryBus();
  await bus.start(never);
  await using galley = await galleyReplica(kube.kubeconfig, bus);
  await using content = await busContent(bus);
  // Without any CRD.
  await content.synced();
  await installCrds();
  const samples = KINDS.filter(({ kind }) => kind !== "MeshConfig").map((kind) => ({ kind, sample: sampleOf(kind) }));
  // Adapters and templates that are not served are refused whatever they say.
  const refused = samples.filter(({ sample }) => !sample).map(({ kind }) => kind.group);
  assert.deepEqual([...new Set(refused)], ["config.istio.io"]);
  assert.ok(samples.length - refused.length >= 30);
  for (const { kind, sample } of samples) {
    const type = typeOf(kind);
    const path = pathOf(type, kind.clusterScoped ? {} : { namespace: "default" });
    await waitFor(`${kind.kind} is served`, 10_000, () => client.call({ method: "GET", path }).then(() => true), 50);
    if (sample) await create(client, path, sample.object);
  }
  for (const { kind, sample } of samples) {
    if (!sample) continue;
    const key = keyOf(sample.resource);
    const found = await waitFor(`${key} on the bus`, 10_000, () => content.config(key));
    assert.deepEqual(found.spec, sample.resource.spec, kind.kind);
    assert.deepEqual(
      [found.origin, found.generation],
      [{ source: `${kind.kind} ${key.split("/").slice(2).filter(Boolean).join("/")}` }, 1],
    );
  }
  // Changed and deleted.
  const rule = { group: "networking.istio.io", version: "v1", kind: "DestinationRule", plural: "destinationrules" };
  const made = (host: string) => ({
    ...{ apiVersion: apiVersionOf(rule), kind: rule.kind, metadata: { namespace: "default", name: "changing" } },
    spec: { host },
  });
  await create(client, pathOf(rule, { namespace: "default" }), made("one"));
  const key = "networking.istio.io/DestinationRule/default/changing";
  const hostOf = (): unknown => (content.config(key)?.spec as { host?: string } | undefined)?.host;
  await waitFor("the first form", 5_000, () => hostOf() === "one");
  await client.patch(rule, { namespace: "default", name: "changing" }, { spec: { host: "two" } });
  await waitFor("the second form", 5_000, () => hostOf() === "two");
  assert.equal(content.config(key)?.generation, 2);
  await client.delete(rule, { namespace: "default", name: "changing" });
  await waitFor("it is gone", 5_000, () => content.config(key) === undefined);
  // The mesh configuration, live.
  const mesh = (outbound: string) => ({
    metadata: { namespace: "istio-system", name: "istio" },
    data: { mesh: `outboundTrafficPolicy:\n  mode: ${outbound}\n` },
  });
  await create(client, "/api/v1/namespaces/istio-system/configmaps", mesh("REGISTRY_ONLY"));
  const mode = (): unknown =>
    (content.config("mesh.xebec.io/MeshConfig/istio-system/mesh")?.spec as { outboundTrafficPolicy?: { mode: string } })
      ?.outboundTrafficPolicy?.mode;
  await waitFor("the mesh configuration", 5_000, () => mode() === "REGISTRY_ONLY");
  await client.replace(RESOURCES.configMaps, { ...mesh("ALLOW_ANY") });
  await waitFor("the other one", 5_000, () => mode() === "ALLOW_ANY");
  assert.deepEqual(galley.missing(), []);
});

test("services, endpoints, pods and nodes reach the bus, and of Secrets those that Gateways name", {
  skip,
}, async () => {
  await installCrds();
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
  const pod = await waitFor("the pod", 10_000, () => {
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
  const service = await waitFor("the service", 5_000, () => content.workload("service/default/reviews"));
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
  assert.deepEqual(await waitFor("endpoints", 5_000, () => content.workload("endpoints/default/reviews")), {
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
  await waitFor("the other locality", 5_000, () => {
    const record = content.workload("pod/default/reviews-6d9-x");
    return record?.type === "pod" && record.locality === "eu/eu-2";
  });
  await client.delete(RESOURCES.pods, pods).catch(() => {});
  await client
    .patch(RESOURCES.pods, { ...pods, subresource: "status" }, { status: { phase: "Succeeded" } })
    .catch(() => {});
  await waitFor("the ended pod is gone", 5_000, () => content.workload("pod/default/reviews-6d9-x") === undefined);
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
  const secret = await waitFor("the Secret", 5_000, () => content.secret("Secret/istio-system/bookinfo-cert"));
  assert.deepEqual(Object.keys(secret.data).sort(), ["ca.crt", "cert", "crl", "key"]);
  assert.equal(content.size(2), 1);
  await client.patch(
    RESOURCES.secrets,
    { namespace: "istio-system", name: "bookinfo-cert" },
    { stringData: { cert: "NEW" } },
  );
  await waitFor(
    "the rotated one",
    5_000,
    () =>
      Buffer.from(content.secret("Secret/istio-system/bookinfo-cert")?.data.cert ?? "", "base64").toString() === "NEW",
  );
  await client.delete(gateway, { namespace: "default", name: "g" });
  await waitFor("nobody names it", 5_000, () => content.size(2) === 0);
  assert.deepEqual(galley.missing(), []);
});

const rule = { group: "networking.istio.io", version: "v1", kind: "DestinationRule", plural: "destinationrules" };
const ruleObject = (name: string, host: string) => ({
  ...{ apiVersion: "networking.istio.io/v1", kind: "DestinationRule", metadata: { namespace: "default", name } },
  spec: { host },
});
const ruleKey = (name: string): string => `networking.istio.io/DestinationRule/default/${name}`;

test("nothing is lost or withdrawn when the API server restarts, etcd hangs, or the network is cut", {
  skip,
}, async () => {
  await installCrds();
  const bus = createMemoryBus();
  await bus.start(never);
  await using proxy = await cutProxy(kube);
  await using galley = await galleyReplica(proxy.kubeconfig, bus);
  await using content = await busContent(bus);
  const hostOf = (name: string): unknown =>
    (content.config(ruleKey(name))?.spec as { host?: string } | undefined)?.host;
  for (const name of ["kept", "changed", "deleted"])
    await create(client, pathOf(rule, { namespace: "default" }), ruleObject(name, "one"));
  await waitFor("the rules", 10_000, () => ["kept", "changed", "deleted"].every((each) => hostOf(each) === "one"));
  content.deleted.length = 0;
  // The network is cut, the server loses its memory of changes: the watch expires (410), and galley lists again.
  proxy.cut();
  await client.patch(rule, { namespace: "default", name: "changed" }, { spec: { host: "two" } });
  await client.delete(rule, { namespace: "default", name: "deleted" });
  await kube.plane.apiServer.stop("SIGKILL");
  await kube.plane.apiServer.start();
  await create(client, pathOf(rule, { namespace: "default" }), ruleObject("made", "one"));
  assert.deepEqual([hostOf("changed"), hostOf("deleted")], ["one", "one"], "what cannot be seen stays");
  proxy.heal();
  await waitFor(
    "what happened meanwhile",
    5_000,
    () => hostOf("changed") === "two" && hostOf("deleted") === undefined && hostOf("made") === "one",
  );
  assert.deepEqual(content.deleted, [ruleKey("deleted")]);
  // etcd hangs.
  kube.plane.etcd.signal("SIGSTOP");
  const late = client
    .patch(rule, { namespace: "default", name: "changed" }, { spec: { host: "three" } })
    .catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, 4_000));
  assert.equal(hostOf("changed"), "two");
  kube.plane.etcd.signal("SIGCONT");
  await late;
  await waitFor("the API server is back", 20_000, () =>
    client.patch(rule, { namespace: "default", name: "changed" }, { spec: { host: "four" } }).then(() => true),
  );
  await waitFor("the change after it", 5_000, () => hostOf("changed") === "four");
  assert.deepEqual([content.deleted, galley.missing()], [[ruleKey("deleted")], []]);
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
    await waitFor(what, 10_000, () => {
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

test("discoverySelectors: objects of other namespaces are not read; labels of a namespace take hold at once", {
  skip,
}, async () => {
  await installCrds();
  const namespaces = [
    { name: "chosen", labels: { mesh: "yes" } },
    { name: "other", labels: { mesh: "no" } },
  ];
  for (const metadata of namespaces) {
    const { name } = metadata;
    await create(client, "/api/v1/namespaces", { metadata });
    await create(client, `/api/v1/namespaces/${name}/services`, {
      metadata: { name: "web" },
      spec: { ports: [{ name: "http", port: 80 }] },
    });
    await create(client, `/apis/discovery.k8s.io/v1/namespaces/${name}/endpointslices`, {
      metadata: { name: "web-a", labels: { "kubernetes.io/service-name": "web" } },
      ...{ addressType: "IPv4", endpoints: [{ addresses: ["10.1.2.3"] }], ports: [{ name: "http", port: 80 }] },
    });
    await create(client, `/api/v1/namespaces/${name}/pods`, {
      metadata: { name: "web" },
      spec: { containers: [{ name: "c", image: "x" }] },
    });
    await client.patch(
      RESOURCES.pods,
      { namespace: name, name: "web", subresource: "status" },
      { status: { podIP: "10.1.2.3", podIPs: [{ ip: "10.1.2.3" }] } },
    );
    await create(client, pathOf(rule, { namespace: name }), {
      ...ruleObject("web", "web"),
      metadata: { namespace: name, name: "web" },
    });
  }
  const meshOf = (selectors: object[]) => ({
    metadata: { namespace: "istio-system", name: "istio" },
    data: { mesh: JSON.stringify({ discoverySelectors: selectors }) },
  });
  const yes = { matchExpressions: [{ key: "mesh", operator: "In", values: ["yes"] }] };
  await create(client, "/api/v1/namespaces/istio-system/configmaps", meshOf([yes])).catch((error: unknown) => {
    if (isAlreadyExists(error)) return client.replace(RESOURCES.configMaps, meshOf([yes]));
    throw error;
  });
  const bus = createMemoryBus();
  await bus.start(never);
  await using galley = await galleyReplica(kube.kubeconfig, bus);
  await using content = await busContent(bus);
  const found = (namespace: string) => [
    content.config(`networking.istio.io/DestinationRule/${namespace}/web`) !== undefined,
    ...["service", "endpoints", "pod"].map((each) => content.workload(`${each}/${namespace}/web`) !== undefined),
  ];
  const has = async (what: string, expected: Readonly<Record<string, boolean>>): Promise<void> => {
    for (const [namespace, isThere] of Object.entries(expected))
      await waitFor(`${what}: ${namespace}`, 10_000, () => found(namespace).every((each) => each === isThere), 20);
  };
  const label = (name: string, mesh: string) =>
    client.patch(RESOURCES.namespaces, { name }, { metadata: { labels: { mesh } } });
  await has("at the start", { chosen: true, other: false });
  assert.deepEqual(content.deleted, [], "nothing of another namespace was ever published");
  assert.ok(content.config("mesh.xebec.io/MeshConfig/istio-system/mesh"), "the mesh configuration is read in any case");
  await label("other", "yes");
  await has("another namespace is labelled", { chosen: true, other: true });
  await label("chosen", "no");
  await has("a namespace is not any more", { chosen: false, other: true });
  await client.replace(RESOURCES.configMaps, meshOf([]));
  await has("without selectors", { chosen: true, other: true });
  await client.replace(RESOURCES.configMaps, meshOf([{ matchLabels: { mesh: "no" } }]));
  await has("other selectors", { chosen: true, other: false });
  assert.deepEqual(galley.missing(), []);
  await client.delete(RESOURCES.configMaps, { namespace: "istio-system", name: "istio" });
});

test("of two replicas one publishes; when it is gone the other one goes on within seconds", { skip }, async () => {
  await installCrds();
  const bus = createMemoryBus();
  await bus.start(never);
  await using proxy = await cutProxy(kube);
  await using first = await galleyReplica(proxy.kubeconfig, bus, { identity: "galley-0", isShared: true });
  await using content = await busContent(bus);
  await content.synced();
  await using second = await galleyReplica(kube.kubeconfig, bus, { identity: "galley-1", isShared: true });
  const holder = async (): Promise<string | undefined> => {
    const lease = await client.get(RESOURCES.leases, { namespace: "istio-system", name: "istio-galley-leader" });
    return (lease.spec as { holderIdentity?: string }).holderIdentity;
  };
  assert.equal(await holder(), "galley-0");
  await waitFor("the second one is ready, standing by", 10_000, () => second.missing().length === 0);
  const before = content.size(0);
  content.deleted.length = 0;
  // The first one cannot reach the API server any more, and is not told.
  proxy.freeze();
  const since = performance.now();
  await create(client, pathOf(rule, { namespace: "default" }), ruleObject("after", "one"));
  await waitFor("the second one publishes", 15_000, () => content.config(ruleKey("after")));
  const took = performance.now() - since;
  assert.ok(took < 10_000, `${Math.round(took)} ms`);
  assert.equal(await holder(), "galley-1");
  assert.deepEqual([content.size(0), content.deleted], [before + 1, []]);
  proxy.heal();
  await waitFor("the first one stands by", 20_000, () => first.missing().length === 0);
  assert.equal(await holder(), "galley-1");
});

test("conditions are the status of objects, are not written again, and are left to another manager", {
  skip,
}, async () => {
  await installCrds();
  const bus = createMemoryBus();
  await bus.start(never);
  const path = { namespace: "default", name: "judged" };
  await create(client, pathOf(rule, { namespace: "default" }), ruleObject("judged", "one"));
  const conditionsOf = async (name: string) =>
    (
      (await client.get(rule, { namespace: "default", name })).status as
        | { conditions?: Record<string, unknown>[] }
        | undefined
    )?.conditions ?? [];
  {
    await using _galley = await galleyReplica(kube.kubeconfig, bus, { withStatus: true });
    const [accepted] = await waitFor(
      "the condition",
      10_000,
      async () => {
        const found = await conditionsOf("judged");
        return found.length > 0 && found;
      },
      50,
    );
    assert.deepEqual(
      { ...accepted, lastTransitionTime: "" },
      {
        type: "Accepted",
        status: "True",
        reason: "Accepted",
        message: "",
        observedGeneration: 1,
        lastTransitionTime: "",
      },
    );
    // The webhook is not there: an invalid form is refused by galley, and the status says why.
    await client.patch(rule, path, { spec: { subsets: [{ name: "a" }, { name: "a" }] } });
    const [refused] = await waitFor(
      "the refusal",
      10_000,
      async () => {
        const found = await conditionsOf("judged");
        return found[0]?.status === "False" && found;
      },
      50,
    );
    assert.match(String(refused?.message), /^spec\.subsets.*the last good version stays in use/);
    await client.patch(rule, path, { spec: { host: "two", subsets: null } });
    await waitFor(
      "it is well again",
      10_000,
      async () => (await conditionsOf("judged"))[0]?.observedGeneration === 3,
      50,
    );
  }
  const before = (await client.get(rule, path)).metadata.resourceVersion;
  // Somebody else manages the status of another object.
  await create(client, pathOf(rule, { namespace: "default" }), ruleObject("foreign", "one"));
  await client.patch(
    rule,
    { namespace: "default", name: "foreign", subresource: "status" },
    { status: { conditions: [{ type: "Mine" }] } },
  );
  await using _again = await galleyReplica(kube.kubeconfig, bus, { withStatus: true });
  await create(client, pathOf(rule, { namespace: "default" }), ruleObject("last", "one"));
  await waitFor("one that came later", 10_000, async () => (await conditionsOf("last")).length > 0, 50);
  assert.deepEqual(await conditionsOf("foreign"), [{ type: "Mine" }]);
  assert.equal((await client.get(rule, path)).metadata.resourceVersion, before, "it has what is to be written");
});
