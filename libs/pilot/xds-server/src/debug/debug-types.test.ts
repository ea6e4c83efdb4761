import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { type Any, anyUnpack } from "@bufbuild/protobuf/wkt";
import { ListenersConfigDumpSchema } from "@xebec/api-envoy/envoy/admin/v3/config_dump_shared";
import { NodeSchema } from "@xebec/api-envoy/envoy/config/core/v3/base";
import { ClientConfigSchema, ConfigStatus } from "@xebec/api-envoy/envoy/service/status/v3/csds";
import { waitFor } from "@xebec/core-async";
import { createMetrics } from "@xebec/core-metrics";
import type { Identity } from "@xebec/model-names";
import { MeshBuilder } from "@xebec/pilot-snapshot/testkit";
import { createMemoryBus } from "@xebec/platform-bus";
import { BusProxies } from "../replicas/other-proxies.ts";
import { Replicas } from "../replicas/replicas.ts";
import { XdsServer } from "../server/xds-server.ts";
import { DeltaClient, SotwClient, type TestType } from "../test-client.testkit.ts";

const identity = (namespace: string): Identity => ({ trustDomain: "cluster.local", namespace, serviceAccount: "x" });
const SYSTEM = identity("istio-system");

async function mesh(): Promise<XdsServer> {
  const server = new XdsServer({ metrics: createMetrics() });
  await server.update(new MeshBuilder().apply({}));
  const proxy = new SotwClient(server, { authenticated: true });
  proxy.send("cluster");
  proxy.take();
  proxy.send("cluster");
  proxy.send("listener");
  return server;
}

/** What is answered, or the status that the stream ended with. */
async function asked(
  server: XdsServer,
  type: TestType,
  names: readonly string[] = [],
  who: Identity | undefined = SYSTEM,
): Promise<{ readonly resources: readonly Any[]; readonly by: string } | string> {
  const client = new SotwClient(server, who ? { authenticated: true, identity: who } : {});
  client.send(type, names);
  await waitFor("an answer", 10_000, () => client.stream.written.length > 0 || client.stream.failure !== undefined);
  if (client.stream.failure) return (client.stream.failure as { code: string }).code;
  const [{ response } = assert.fail()] = client.take();
  assert.notEqual(response.nonce, "");
  assert.equal(response.typeUrl, type);
  client.send(type, names);
  assert.equal(client.stream.written.length, 0, "the acknowledgement is answered, too");
  return { resources: response.resources, by: response.controlPlane?.identifier ?? "" };
}

async function resources(...given: Parameters<typeof asked>): Promise<readonly Any[]> {
  const answer = await asked(...given);
  if (typeof answer === "string") throw new Error(answer);
  return answer.resources;
}

describe("debug types", () => {
  it("syncz says of each proxy what it has acknowledged, and who answers", async () => {
    const server = await mesh();
    const answer = await asked(server, "istio.io/debug/syncz");
    assert.ok(typeof answer !== "string");
    const [config] = answer.resources.map((each) => anyUnpack(each, ClientConfigSchema));
    assert.equal(config?.node?.id, "app-1.default");
    assert.deepEqual(config.node.metadata, { CLUSTER_ID: "Kubernetes", NAMESPACE: "default", ISTIO_VERSION: "" });
    const statuses = Object.fromEntries(
      config.genericXdsConfigs.map(({ typeUrl, configStatus }) => [typeUrl.split(".").at(-1), configStatus]),
    );
    const { SYNCED, STALE, NOT_SENT } = ConfigStatus;
    assert.deepEqual(statuses, {
      ...{ Cluster: SYNCED, Listener: STALE, RouteConfiguration: NOT_SENT },
      ...{ ClusterLoadAssignment: NOT_SENT, TypedExtensionConfig: NOT_SENT },
    });
    assert.equal(JSON.parse(answer.by).Component, "istiod");
  });

  it("istioctl's first request, which has a nonce that nobody sent, is answered", async () => {
    const client = new DeltaClient(await mesh(), { authenticated: true, identity: SYSTEM });
    client.send("istio.io/debug/syncz", { nonce: "2026-01-01 00:00:00 +0000 UTC" });
    await waitFor("an answer", 10_000, () => client.stream.written.length > 0);
    const [answer] = client.take();
    client.send("istio.io/debug/syncz", { nonce: answer?.response.nonce ?? "" });
    assert.equal(client.stream.written.length, 0);
  });

  it("config_dump has what a proxy was sent", async () => {
    const server = await mesh();
    const dump = await resources(server, "istio.io/debug/config_dump", ["app-1.default"]);
    const listeners = dump.find((each) => each.typeUrl.endsWith("ListenersConfigDump"));
    assert.ok(listeners);
    const { dynamicListeners } = fromBinary(ListenersConfigDumpSchema, listeners.value);
    assert.ok(dynamicListeners.length > 0);
    assert.deepEqual(await resources(server, "istio.io/debug/config_dump", ["no.body"]), []);
  });

  it("connections are the nodes of the proxies", async () => {
    const [node] = await resources(await mesh(), "istio.io/connections");
    assert.ok(node);
    assert.equal(anyUnpack(node, NodeSchema)?.id, "app-1.default");
  });

  it("debug pages are asked for by their names", async () => {
    const [page] = await resources(await mesh(), "istio.io/debug" as TestType, ["syncz"]);
    assert.ok(page);
    assert.equal(JSON.parse(Buffer.from(page.value).toString())[0].proxy, "app-1.default");
  });

  for (const [what, type, names, who, expected] of [
    ["syncz on the plaintext port", "istio.io/debug/syncz", [], "nobody", "unauthenticated"],
    ["syncz of another namespace", "istio.io/debug/syncz", [], "prod", 0],
    ["syncz of the own namespace", "istio.io/debug/syncz", [], "default", 1],
    ["a dump of another namespace's proxy", "istio.io/debug/config_dump", ["app-1.default"], "prod", 0],
    ["a page of the whole mesh", "istio.io/debug", ["syncz"], "default", "permission_denied"],
    ["the page of an own proxy", "istio.io/debug", ["config_dump?proxyID=app-1.default"], "default", 1],
    [
      "the page of another's proxy",
      "istio.io/debug",
      ["config_dump?proxyID=app-1.default"],
      "prod",
      "permission_denied",
    ],
    ["no page", "istio.io/debug", [], "istio-system", "invalid_argument"],
    ["a page that is not there", "istio.io/debug", ["constructor"], "istio-system", "not_found"],
    ["a type that is not known", "istio.io/debug/nothing", [], "istio-system", 0],
  ] as const)
    it(`${what}: ${expected}`, async () => {
      const caller = who === "nobody" ? undefined : identity(who);
      const server = await mesh();
      const client = new SotwClient(server, caller ? { authenticated: true, identity: caller } : {});
      client.send(type as TestType, names);
      await waitFor("an answer", 10_000, () => client.stream.written.length > 0 || client.stream.failure !== undefined);
      const failure = client.stream.failure as { code: string } | undefined;
      assert.equal(failure?.code ?? client.take()[0]?.count, expected);
    });
});

describe("a type that is not served", () => {
  const TYPE = "type.googleapis.com/istio.workload.Address";
  it("is answered once, with nothing, in both forms", async () => {
    const server = await mesh();
    const sotw = new SotwClient(server);
    sotw.send(TYPE);
    assert.deepEqual(
      sotw.take().map(({ type, count }) => [type, count]),
      [[TYPE, 0]],
    );
    sotw.send(TYPE);
    assert.deepEqual(sotw.take(), []);
    const delta = new DeltaClient(server);
    delta.send(TYPE, { subscribe: ["*"] });
    const [answer] = delta.take();
    assert.deepEqual([answer?.type, answer?.names], [TYPE, []]);
    delta.send(TYPE, { nonce: answer?.response.nonce ?? "" });
    assert.deepEqual(delta.take(), []);
  });

  it("is not answered where agents only say something", async () => {
    const client = new SotwClient(await mesh());
    client.send("type.googleapis.com/istio.v1.HealthInformation");
    assert.deepEqual(client.take(), []);
  });
});

describe("debug types with several copies of pilot", () => {
  /** Two copies on one bus, with a proxy at the second one. */
  async function two(): Promise<{ first: XdsServer; close: () => Promise<void> }> {
    const bus = createMemoryBus();
    const at = async (id: string): Promise<[XdsServer, () => Promise<void>]> => {
      const replicas = new Replicas({ bus, id });
      const server = new XdsServer({ metrics: createMetrics(), others: () => proxies });
      const proxies = new BusProxies(bus, replicas, server);
      await server.update(new MeshBuilder().apply({}));
      await replicas.start();
      await proxies.start();
      return [server, async () => void (await Promise.all([replicas.close(), proxies.close()]))];
    };
    const [first, closeFirst] = await at("a");
    const [second, closeSecond] = await at("b");
    const proxy = new SotwClient(second, { authenticated: true });
    proxy.send("cluster");
    proxy.take();
    await waitFor("they know each other", 5_000, () => first.others !== undefined);
    return { first, close: async () => void (await Promise.all([closeFirst(), closeSecond()])) };
  }

  it("any of them answers for the proxies of all, to those who may see them", async () => {
    const { first, close } = await two();
    const [status] = await resources(first, "istio.io/debug/syncz");
    const config = status && anyUnpack(status, ClientConfigSchema);
    assert.equal(config?.node?.id, "app-1.default");
    assert.deepEqual(
      config?.genericXdsConfigs.find(({ typeUrl }) => typeUrl.endsWith(".Cluster"))?.configStatus,
      ConfigStatus.STALE,
    );
    assert.equal((await resources(first, "istio.io/connections")).length, 1);
    assert.ok((await resources(first, "istio.io/debug/config_dump", ["app-1.default"])).length > 0);
    const others = identity("elsewhere");
    assert.equal((await resources(first, "istio.io/debug/syncz", [], others)).length, 0);
    assert.equal((await resources(first, "istio.io/debug/config_dump", ["app-1.default"], others)).length, 0);
    await close();
  });
});
