// The kinds of configuration that galley reads from a real API server, and the status that it writes.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { waitFor } from "@xebec/core-async";
import { validateObject } from "@xebec/galley-validate";
import { KINDS, type Kind, keyOf, type Resource } from "@xebec/model-resources";
import { createMemoryBus } from "@xebec/platform-bus";
import { apiVersionOf, type KubeClient, pathOf, RESOURCES } from "@xebec/platform-kube";
import { type Kube, kubeMissing } from "@xebec/testing-kube";
import fc from "fast-check";
import { arbitraryObject } from "../golden/arbitrary-spec.ts";
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
  await installCrds(client);
  const samples = KINDS.filter(({ kind }) => kind !== "MeshConfig").map((kind) => ({ kind, sample: sampleOf(kind) }));
  // Adapters and templates that are not served are refused whatever they say.
  const refused = samples.filter(({ sample }) => !sample).map(({ kind }) => kind.group);
  assert.deepEqual([...new Set(refused)], ["config.istio.io"]);
  assert.ok(samples.length - refused.length >= 30);
  for (const { kind, sample } of samples) {
    const type = typeOf(kind);
    const path = pathOf(type, kind.clusterScoped ? {} : { namespace: "default" });
    await waitFor(`${kind.kind} is served`, 60_000, () => client.call({ method: "GET", path }).then(() => true), 50);
    if (sample) await create(client, path, sample.object);
  }
  for (const { kind, sample } of samples) {
    if (!sample) continue;
    const key = keyOf(sample.resource);
    const found = await waitFor(`${key} on the bus`, 60_000, () => content.config(key));
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
  await waitFor("the first form", 60_000, () => hostOf() === "one");
  await client.patch(rule, { namespace: "default", name: "changing" }, { spec: { host: "two" } });
  await waitFor("the second form", 60_000, () => hostOf() === "two");
  assert.equal(content.config(key)?.generation, 2);
  await client.delete(rule, { namespace: "default", name: "changing" });
  await waitFor("it is gone", 60_000, () => content.config(key) === undefined);
  // The mesh configuration, live.
  const mesh = (outbound: string) => ({
    metadata: { namespace: "istio-system", name: "istio" },
    data: { mesh: `outboundTrafficPolicy:\n  mode: ${outbound}\n` },
  });
  await create(client, "/api/v1/namespaces/istio-system/configmaps", mesh("REGISTRY_ONLY"));
  const mode = (): unknown =>
    (content.config("mesh.xebec.io/MeshConfig/istio-system/mesh")?.spec as { outboundTrafficPolicy?: { mode: string } })
      ?.outboundTrafficPolicy?.mode;
  await waitFor("the mesh configuration", 60_000, () => mode() === "REGISTRY_ONLY");
  await client.replace(RESOURCES.configMaps, { ...mesh("ALLOW_ANY") });
  await waitFor("the other one", 60_000, () => mode() === "ALLOW_ANY");
  assert.deepEqual(galley.missing(), []);
});

test("conditions are the status of objects, are not written again, and are left to another manager", {
  skip,
}, async () => {
  await installCrds(client);
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
      60_000,
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
      60_000,
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
      60_000,
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
  await waitFor("one that came later", 60_000, async () => (await conditionsOf("last")).length > 0, 50);
  assert.deepEqual(await conditionsOf("foreign"), [{ type: "Mine" }]);
  assert.equal((await client.get(rule, path)).metadata.resourceVersion, before, "it has what is to be written");
});
