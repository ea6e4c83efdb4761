// Workloads outside of the platform: who selects them, and where requests then go.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Lab, openLab } from "./lab/lab.ts";
import { host } from "./lab/mesh.ts";
import { entry, object, policy } from "./objects.ts";

const HTTP = { number: 80, name: "http", protocol: "HTTP" };
const machine = (name: string, spec: object, metadata: object = {}): object =>
  object("WorkloadEntry", name, spec, metadata);
const selecting = (name: string, labels: object, spec: object = {}): object =>
  entry(name, { ports: [HTTP], workloadSelector: { labels }, ...spec });
const robin = (name: string) => policy(name, { loadBalancer: { simple: "ROUND_ROBIN" } });
const PORTS = { address: "10.46.0.7", labels: { app: "ported" }, ports: { http: 8080 } };

describe("a WorkloadEntry through a real Envoy", () => {
  let lab: Lab;
  before(async () => {
    lab = await openLab({
      proxies: { client: { kind: "captured", ip: "10.1.0.1" } },
      services: [
        host("mixed", { pods: [{ name: "mixed-pod", ip: "10.46.1.1" }], targetPort: 8080 }),
        host("away", { pods: [{ name: "away-pod", ip: "10.46.1.2", labels: { tier: "vm" } }] }),
        host("gone", { pods: [{ name: "gone-pod", ip: "10.46.1.3", labels: { tier: "vm" }, ready: false }] }),
      ],
      upstreams: [
        ...[
          "10.46.0.1:80",
          "10.46.0.2:80",
          "10.46.0.3:80",
          "10.46.0.3:8080",
          "10.46.0.4:8080",
          "10.46.0.5:8081",
          "10.46.0.6:80",
        ],
        ...["10.46.0.7:8080", "10.46.0.8:80"],
      ].map((at) => ({ name: at, at })),
      objects: [
        machine("one", {
          address: "10.46.0.1",
          labels: { app: "vms", version: "v1" },
          weight: 3,
          locality: "eu/north",
        }),
        machine("two", { address: "10.46.0.2", labels: { version: "v2" } }, { labels: { app: "vms" } }),
        machine("other", { address: "10.46.0.3", labels: { app: "other" } }),
        machine("elsewhere", { address: "10.46.0.3", labels: { app: "vms" } }, { namespace: "shop" }),
        selecting("vms.example.com", { app: "vms" }),
        object("DestinationRule", "vms.example.com", {
          host: "vms.example.com",
          trafficPolicy: { loadBalancer: { simple: "ROUND_ROBIN" } },
          subsets: [{ name: "v2", labels: { version: "v2" } }],
        }),
        object("VirtualService", "vms", {
          hosts: ["vms.example.com"],
          http: [
            {
              match: [{ uri: { prefix: "/v2" } }],
              route: [{ destination: { host: "vms.example.com", subset: "v2" } }],
            },
            { route: [{ destination: { host: "vms.example.com" } }] },
          ],
        }),
        machine("ported", PORTS),
        selecting("ported.example.com", { app: "ported" }),
        selecting("pods.example.com", { tier: "vm" }),
        machine("mixed-a", { address: "10.46.0.4", labels: { app: "mixed" } }),
        machine("mixed-b", { address: "10.46.0.5", labels: { app: "mixed" }, ports: { http: 8081 } }),
        ...["mixed", "named.example.com"].map(robin),
        machine("meshed", { address: "10.46.0.9", labels: { app: "meshed" }, serviceAccount: "vm" }),
        selecting("meshed.example.com", { app: "meshed" }, { location: "MESH_INTERNAL" }),
      ],
    });
    await lab.name("vm.example.com", ["10.46.0.8"]);
    await lab.apply([
      machine("named", { address: "vm.example.com", labels: { app: "named" } }),
      machine("numbered", { address: "10.46.0.6", labels: { app: "named" } }),
      selecting("named.example.com", { app: "named" }, { resolution: "DNS" }),
      selecting("static.example.com", { app: "named" }),
    ]);
    const tls = lab.ca.issue({ uris: ["spiffe://cluster.local/ns/default/sa/vm"] });
    await lab.serve({ name: "meshed", at: "10.46.0.9:80", tls });
  });
  after(() => lab?.close());

  /** Who answers, each with its number of answers. */
  const answers = async (url: string, count = 8): Promise<Record<string, number>> => {
    const found: Record<string, number> = {};
    for (let i = 0; i < count; i++) {
      const { by, status } = await lab.http({ through: "client", url: `http://${url}` });
      found[by || status] = (found[by || status] ?? 0) + 1;
    }
    return found;
  };

  it("address, labels and weight: a ServiceEntry's workloadSelector takes those of its namespace", async () =>
    assert.deepEqual(await answers("vms.example.com/"), { "10.46.0.1:80": 6, "10.46.0.2:80": 2 }));

  it("labels: subsets choose by them, those of the object included", async () =>
    assert.deepEqual(await answers("vms.example.com/v2", 3), { "10.46.0.2:80": 3 }));

  it("locality: Envoy knows where it is", async () => {
    const text = (await lab.envoys.get("client")?.admin("/clusters")) ?? "";
    assert.match(text, /vms\.example\.com::10\.46\.0\.1:80::zone::north/);
  });

  it("ports: where the workload listens, by the name of the service's port", async () =>
    assert.deepEqual(await answers("ported.example.com/", 2), { "10.46.0.7:8080": 2 }));

  it("a ServiceEntry's workloadSelector takes pods that are ready, too", async () =>
    assert.deepEqual(await answers("pods.example.com/", 2), { "away-pod": 2 }));

  it("a Kubernetes service selects WorkloadEntries beside its pods", async () =>
    assert.deepEqual(await answers("mixed/", 6), { "10.46.0.4:8080": 2, "10.46.0.5:8081": 2, "mixed-pod": 2 }));

  it("a name as address is looked up with resolution DNS, and is nowhere with STATIC", async () => {
    assert.deepEqual(await answers("named.example.com/", 4), { "10.46.0.6:80": 2, "10.46.0.8:80": 2 });
    assert.deepEqual(await answers("static.example.com/", 2), { "10.46.0.6:80": 2 });
  });

  it("serviceAccount: mutual TLS with that identity", async () => {
    const { got } = await lab.http({ through: "client", url: "http://meshed.example.com/" });
    assert.equal(got?.tls?.client, "URI:spiffe://cluster.local/ns/default/sa/default");
  });

  it("comes, changes and goes", async () => {
    const three = (labels: object) => machine("three", { address: "10.46.0.3", labels });
    await lab.during([three({ app: "ported" })], async () => {
      assert.deepEqual(Object.keys(await answers("ported.example.com/", 12)).length, 2);
      await lab.apply([three({ app: "nobody" })]);
      assert.deepEqual(await answers("ported.example.com/", 2), { "10.46.0.7:8080": 2 });
      await lab.apply([three({ app: "mixed" })]);
      assert.equal(Object.keys(await answers("mixed/", 12)).length, 4);
    });
    assert.equal(Object.keys(await answers("mixed/", 12)).length, 3);
  });
});
