// Which namespaces of an API server count: for galley, for citadel, and for a Mixer alone.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CitadelConfig, citadelComponents } from "@xebec/citadel-server";
import { waitFor } from "@xebec/core-async";
import { loadConfig } from "@xebec/core-config";
import { compose } from "@xebec/core-lifecycle";
import { mixerStore } from "@xebec/galley-server";
import { createMemoryBus } from "@xebec/platform-bus";
import { isAlreadyExists, type KubeClient, listObjects, pathOf, RESOURCES } from "@xebec/platform-kube";
import { type Kube, kubeMissing } from "@xebec/testing-kube";
import { busContent, create, galleyReplica, installCrds, rule, ruleObject, startGalleyKube } from "./galley-lab.ts";

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

/** The mesh configuration with these selectors. */
async function setMesh(discoverySelectors: object[]): Promise<void> {
  const object = {
    metadata: { namespace: "istio-system", name: "istio" },
    data: { mesh: JSON.stringify({ discoverySelectors }) },
  };
  await create(client, "/api/v1/namespaces/istio-system/configmaps", object).catch((error: unknown) => {
    if (isAlreadyExists(error)) return client.replace(RESOURCES.configMaps, object);
    throw error;
  });
}

test("discoverySelectors: objects of other namespaces are not read; labels of a namespace take hold at once", {
  skip,
}, async () => {
  await installCrds(client);
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
  const yes = { matchExpressions: [{ key: "mesh", operator: "In", values: ["yes"] }] };
  await setMesh([yes]);
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
      await waitFor(`${what}: ${namespace}`, 60_000, () => found(namespace).every((each) => each === isThere), 20);
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
  await setMesh([]);
  await has("without selectors", { chosen: true, other: true });
  await setMesh([{ matchLabels: { mesh: "no" } }]);
  await has("other selectors", { chosen: true, other: false });
  assert.deepEqual(galley.missing(), []);
  await client.delete(RESOURCES.configMaps, { namespace: "istio-system", name: "istio" });
});

test("citadel writes its roots into the namespaces of discoverySelectors; what a namespace has stays", {
  skip,
}, async () => {
  await setMesh([{ matchLabels: { roots: "yes" } }]);
  for (const [name, roots] of Object.entries({ "roots-yes": "yes", "roots-no": "no", "roots-late": "no" }))
    await create(client, "/api/v1/namespaces", { metadata: { name, labels: { roots } } });
  const { config } = loadConfig(CitadelConfig, ["--address=127.0.0.1", "--grpc-port=0", "--kubernetes=true"], {});
  const bus = createMemoryBus();
  const citadel = compose("citadel", [bus, ...citadelComponents({ config, bus, client, withMonitoring: false })]);
  await citadel.start(never);
  const has = async (): Promise<string> => {
    const found: string[] = [];
    await listObjects(client, RESOURCES.configMaps, { fieldSelector: "metadata.name=istio-ca-root-cert" }, (each) => {
      found.push(each.metadata.namespace ?? "");
    });
    return found.sort().join();
  };
  try {
    await waitFor("the roots", 60_000, async () => (await has()) === "roots-yes", 50);
    await client.patch(RESOURCES.namespaces, { name: "roots-late" }, { metadata: { labels: { roots: "yes" } } });
    await waitFor(
      "the roots of a namespace that is chosen now",
      60_000,
      async () => (await has()) === "roots-late,roots-yes",
      50,
    );
    await client.patch(RESOURCES.namespaces, { name: "roots-late" }, { metadata: { labels: { roots: "no" } } });
    // What cannot be read changes nothing.
    await setMesh("no list" as unknown as object[]);
    await setMesh([{ matchLabels: { roots: "no" } }]);
    await waitFor(
      "the roots by other selectors",
      60_000,
      async () => (await has()) === "roots-late,roots-no,roots-yes",
      50,
    );
    await setMesh([]);
    await waitFor("the roots everywhere", 60_000, async () => (await has()).includes("default,istio-system"), 50);
  } finally {
    await citadel.close?.();
  }
});

const FILES = { certFile: "", keyFile: "", caCertFile: "" };

test("a Mixer that reads the API server itself reads the namespaces of discoverySelectors", { skip }, async () => {
  await installCrds(client);
  await setMesh([{ matchLabels: { mixer: "yes" } }]);
  for (const [name, mixer] of Object.entries({ "mixer-yes": "yes", "mixer-no": "no" })) {
    await create(client, "/api/v1/namespaces", { metadata: { name, labels: { mixer } } });
    await create(client, `/apis/config.istio.io/v1alpha2/namespaces/${name}/handlers`, {
      ...{ apiVersion: "config.istio.io/v1alpha2", kind: "handler", metadata: { name: "deny" } },
      spec: { compiledAdapter: "denier", params: {} },
    });
  }
  const bus = createMemoryBus();
  const store = { dir: undefined, client };
  const options = { store, bus, nodeId: "test", files: FILES, domain: "cluster.local", namespace: "istio-system" };
  const mixer = compose("mixer", [bus, ...mixerStore(options)]);
  await mixer.start(never);
  try {
    await using content = await busContent(bus);
    const has = (): string =>
      ["mixer-no", "mixer-yes"].filter((each) => content.config(`config.istio.io/handler/${each}/deny`)).join();
    await waitFor("the handler", 60_000, () => has() === "mixer-yes", 50);
    await setMesh([]);
    await waitFor("both handlers", 60_000, () => has() === "mixer-no,mixer-yes", 50);
  } finally {
    await mixer.close?.();
  }
});
