// Endpoints of other networks: who reaches them directly, and who through a gateway.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { type Lab, openLab } from "./lab/lab.ts";
import { host, type LabProxy } from "./lab/mesh.ts";
import { entry, object, policy } from "./objects.ts";

const HTTP = { number: 80, name: "http", protocol: "HTTP" };
const near = (network: string, ip: string, more: Partial<LabProxy> = {}): LabProxy => ({
  ...{ kind: "captured", ip, metadata: { NETWORK: network } },
  ...more,
});
const internal = (name: string, endpoints: readonly object[]): object =>
  entry(name, { location: "MESH_INTERNAL", ports: [HTTP], endpoints });
const robin = (name: string): object => policy(name, { loadBalancer: { simple: "ROUND_ROBIN" } });
const LABEL = "topology.istio.io/network";

/** Two gateways lead into `vms`, one into `edge`; none into `island`. */
const MESH_NETWORKS = {
  networks: {
    home: { endpoints: [{ fromCidr: "10.49.1.0/24" }] },
    vms: { gateways: ["10.48.9.1", "10.48.9.2"].map((address) => ({ address, port: 15443 })) },
    cidr: { endpoints: [{ fromCidr: "10.49.2.0/24" }], gateways: [{ address: "10.48.9.4", port: 15443 }] },
    resolved: { gateways: [{ address: "gateways.example.com", port: 15443 }] },
    unresolved: { gateways: [{ address: "nowhere.example.com", port: 15443 }] },
    ports: { gateways: [{ registryServiceName: "port-gateway.default.svc.cluster.local", port: 443 }] },
    named: {
      gateways: [{ registryServiceName: "named-gateway.default.svc.cluster.local", port: 8443 }],
    },
  },
};
const SERVERS = ["10.48.1.1:80", "10.48.2.1:80", "10.48.2.2:80", "10.48.3.1:80", "10.49.1.1:80"];
/** Servers that speak mutual TLS as `vm`: gateways, and an endpoint. */
const MESHED = ["10.48.9.1:15443", "10.48.9.2:15443", "10.48.9.3:15444", "10.48.9.4:15443", "10.48.9.5:8443"];

/** What DNS says of gateways: a test changes it. */
const NAMES = new Map([
  ["gateways.example.com", ["10.48.9.1"]],
  ["balancer.example.com", ["10.48.9.3"]],
]);

describe("through a real Envoy, endpoints of other networks", () => {
  let lab: Lab;
  before(async () => {
    const vm = { serviceAccount: "vm" };
    lab = await openLab({
      pilotNames: NAMES,
      proxies: {
        home: near("home", "10.1.0.1"),
        vms: near("vms", "10.1.0.2"),
        anywhere: { kind: "captured", ip: "10.1.0.3" },
        viewer: near("home", "10.1.0.4", { metadata: { NETWORK: "home", REQUESTED_NETWORK_VIEW: "home,island" } }),
        cidr: { kind: "captured", ip: "10.49.1.9" },
      },
      services: [
        host("edge-gateway", {
          ...{ externalAddresses: ["10.48.9.3"], pods: [] },
          labels: { [LABEL]: "edge", "networking.istio.io/gatewayPort": "15444" },
        }),
        host("named-gateway", { externalAddresses: ["10.48.9.5"], pods: [] }),
        host("port-gateway", {
          ...{ externalAddresses: ["10.48.9.3"], externalPorts: { 443: 15444 }, pods: [] },
          labels: { [LABEL]: "nodes", "networking.istio.io/gatewayPort": "443" },
        }),
        host("cloud-gateway", {
          ...{ externalAddresses: ["balancer.example.com"], pods: [] },
          labels: { [LABEL]: "cloud", "networking.istio.io/gatewayPort": "15444" },
        }),
        host("registered", { pods: [{ name: "registered", ip: "10.48.6.1", sidecar: true, serviceAccount: "vm" }] }),
        host("edge", {
          pods: [{ name: "edge", ip: "10.48.4.1", sidecar: true, serviceAccount: "vm", labels: { [LABEL]: "edge" } }],
        }),
      ],
      upstreams: SERVERS.map((at) => ({ name: at, at })),
      objects: [
        object("MeshConfig", "mesh", { meshNetworks: MESH_NETWORKS }, { namespace: "istio-system" }),
        internal("split.example.com", [
          { address: "10.48.1.1", network: "home" },
          { address: "10.48.2.1", network: "vms", ...vm },
        ]),
        internal("plain.example.com", [
          { address: "10.48.1.1", network: "home" },
          { address: "10.48.2.2", network: "vms" },
        ]),
        internal("island.example.com", [{ address: "10.48.3.1", network: "island" }]),
        internal("hidden.example.com", [{ network: "vms", ...vm }]),
        internal("cidr.example.com", [{ address: "10.49.1.1" }, { address: "10.49.2.1", ...vm }]),
        internal("named.example.com", [{ address: "10.48.5.1", network: "named", ...vm }]),
        internal("ports.example.com", [{ address: "10.48.5.4", network: "ports", ...vm }]),
        internal("nodes.example.com", [{ address: "10.48.5.5", network: "nodes", ...vm }]),
        internal("resolved.example.com", [{ address: "10.48.5.2", network: "resolved", ...vm }]),
        internal("cloud.example.com", [{ address: "10.48.5.3", network: "cloud", ...vm }]),
        ...["split.example.com", "plain.example.com", "cidr.example.com"].map(robin),
      ],
    });
    const tls = lab.ca.issue({ uris: ["spiffe://cluster.local/ns/default/sa/vm"] });
    for (const at of [...MESHED, "10.48.2.9:80"]) await lab.serve({ name: at, at, tls });
    await lab.serve({ name: "10.48.2.1:80", at: "10.48.2.1:80", tls });
  });
  after(() => lab?.close());

  const call = (name: string, through = "home") => lab.http({ through, url: `http://${name}/` });
  /** Who answers, each with its number of answers. */
  const answers = async (name: string, through = "home", count = 8): Promise<Record<string, number>> => {
    const found: Record<string, number> = {};
    for (let i = 0; i < count; i++) {
      const { by, status } = await call(name, through);
      found[by || status] = (found[by || status] ?? 0) + 1;
    }
    return found;
  };

  it("meshNetworks gateways.address: share the weight of what is behind them", async () =>
    assert.deepEqual(await answers("split.example.com"), {
      ...{ "10.48.1.1:80": 4, "10.48.9.1:15443": 2, "10.48.9.2:15443": 2 },
    }));

  it("are called by mutual TLS, by the server name that gateways go by", async () => {
    const { got } = await call("hidden.example.com");
    assert.equal(got?.tls?.sni, "outbound_.80_._.hidden.example.com");
    assert.equal((await call("hidden.example.com", "vms")).status, 503);
  });

  it("are reached directly from their own network, and from nobody knows where", async () => {
    assert.deepEqual(await answers("split.example.com", "anywhere"), { "10.48.1.1:80": 4, "10.48.2.1:80": 4 });
    // Nothing leads from there into `home`, so that it must be within reach.
    assert.deepEqual(await answers("split.example.com", "vms"), { "10.48.1.1:80": 4, "10.48.2.1:80": 4 });
  });

  it("without mutual TLS cannot be reached through gateways", async () => {
    assert.deepEqual(await answers("plain.example.com"), { "10.48.1.1:80": 8 });
    assert.deepEqual(await answers("plain.example.com", "vms"), { "10.48.1.1:80": 4, "10.48.2.2:80": 4 });
  });

  it("without gateways are reached directly", async () =>
    assert.deepEqual(await answers("island.example.com", "home", 1), { "10.48.3.1:80": 1 }));

  it("labels topology.istio.io/network and networking.istio.io/gatewayPort: of pods and of gateways' services", async () =>
    assert.equal((await call("edge")).by, "10.48.9.3:15444"));

  it("meshNetworks gateways.registryServiceName: the service's external addresses", async () =>
    assert.equal((await call("named.example.com")).by, "10.48.9.5:8443"));

  it("a gateway's Service at ports of nodes: the node port, by its labels and by registryServiceName", async () => {
    assert.equal((await call("ports.example.com")).by, "10.48.9.3:15444");
    assert.equal((await call("nodes.example.com")).by, "10.48.9.3:15444");
  });

  const by = (name: string, server: string) =>
    waitFor(`${server} answers`, 10_000, async () => (await call(name)).by === server);
  const condition = (): string => lab.condition("MeshConfig", "mesh", "istio-system");

  it("meshNetworks gateways.address that is a host name: its addresses in DNS, and the last ones while DNS does not know it", async () => {
    assert.equal((await call("resolved.example.com")).by, "10.48.9.1:15443");
    NAMES.set("gateways.example.com", ["10.48.9.2"]);
    await by("resolved.example.com", "10.48.9.2:15443");
    NAMES.delete("gateways.example.com");
    const kept =
      /networks\.resolved\.gateways\[0\]\.address: gateways\.example\.com: DNS does not know it; its addresses of before/;
    await waitFor("the problem is shown", 10_000, () => kept.test(condition()));
    await lab.settled();
    assert.equal((await call("resolved.example.com")).by, "10.48.9.2:15443");
    NAMES.set("gateways.example.com", ["10.48.9.1"]);
    await by("resolved.example.com", "10.48.9.1:15443");
  });

  it("meshNetworks gateways.address that DNS does not know: the condition says so", () =>
    assert.match(condition(), /nowhere\.example\.com: DNS does not know it; nobody enters unresolved through it/));

  it("a load balancer's host name in the status of a gateway's Service: its addresses in DNS", async () =>
    assert.equal((await call("cloud.example.com")).by, "10.48.9.3:15444"));

  it("meshNetworks endpoints.fromCidr: of endpoints and of proxies", async () =>
    assert.deepEqual(await answers("cidr.example.com", "cidr"), { "10.49.1.1:80": 4, "10.48.9.4:15443": 4 }));

  it("meshNetworks endpoints.fromRegistry: pods of which nothing else says where they are", async () => {
    const registry = { endpoints: [{ fromRegistry: "Kubernetes" }], gateways: [{ address: "10.48.9.2", port: 15443 }] };
    const meshNetworks = { networks: { ...MESH_NETWORKS.networks, registry } };
    const mesh = (spec: object) => [object("MeshConfig", "mesh", spec, { namespace: "istio-system" })];
    await lab.apply(mesh({ meshNetworks }));
    assert.equal((await call("registered")).by, "10.48.9.2:15443");
    await lab.apply(mesh({ meshNetworks: MESH_NETWORKS }));
  });

  it("REQUESTED_NETWORK_VIEW: a proxy sees the networks that it asks for", async () => {
    assert.deepEqual(await answers("split.example.com", "viewer"), { "10.48.1.1:80": 8 });
    assert.deepEqual(await answers("island.example.com", "viewer", 1), { "10.48.3.1:80": 1 });
  });
});
