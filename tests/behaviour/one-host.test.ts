import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Lab, openLab } from "./lab/lab.ts";
import { host } from "./lab/mesh.ts";

const HTTP = { number: 80, name: "http", protocol: "HTTP" };
const ADMIN = { number: 8080, name: "admin", protocol: "HTTP" };
const SQL = { number: 3306, name: "sql", protocol: "TCP" };
const MORE = { number: 3307, name: "more", protocol: "TCP" };

const entry = (name: string, created: number, spec: object) => ({
  apiVersion: "networking.istio.io/v1",
  kind: "ServiceEntry",
  metadata: { name, namespace: "default", creationTimestamp: `2026-01-0${created}T00:00:00Z` },
  spec: { resolution: "STATIC", ...spec },
});
const at = (...addresses: string[]) => ({ endpoints: addresses.map((address) => ({ address })) });
const both = ["both.example.com"];
const dns = ["dns.example.com"];
const web = ["web.default.svc.cluster.local"];

const FIRST = entry("first", 1, { hosts: both, ports: [HTTP, SQL], addresses: ["10.89.0.1"], ...at("10.40.0.1") });
const SECOND = entry("second", 2, {
  hosts: both,
  ports: [HTTP, ADMIN, MORE],
  addresses: ["10.89.0.2"],
  ...at("10.40.0.2"),
});
const APART = entry("apart", 3, { hosts: both, ports: [HTTP, ADMIN], resolution: "DNS", ...at("nobody.example.com") });
const DNS = entry("dns", 1, { hosts: dns, ports: [HTTP], resolution: "DNS", ...at("one.example.com") });
const MORE_DNS = entry("more-dns", 2, {
  hosts: dns,
  ports: [HTTP, ADMIN],
  resolution: "DNS",
  ...at("two.example.com"),
});
const VM = entry("vm", 2, { hosts: web, ports: [HTTP, ADMIN], location: "MESH_INTERNAL", ...at("10.40.0.9") });

describe("several definitions of one host, through a real Envoy", () => {
  let lab: Lab;
  before(async () => {
    const servers = [
      "10.40.0.1:80",
      "10.40.0.1:3306",
      "10.40.0.2:80",
      "10.40.0.2:8080",
      "10.40.0.2:3307",
      "10.40.0.9:80",
    ];
    lab = await openLab({
      proxies: { client: { kind: "captured", ip: "10.1.0.1" } },
      services: [host("web", { pods: [{ name: "pod", ip: "10.40.0.8" }] })],
      upstreams: servers.map((each) => ({ name: each, at: each })),
    });
    await lab.name("one.example.com", ["10.40.0.1"]);
    await lab.name("two.example.com", ["10.40.0.2"]);
    const shared = [...both, ...dns].map((name) => ({
      ...{ apiVersion: "networking.istio.io/v1", kind: "DestinationRule", metadata: { name, namespace: "default" } },
      spec: { host: name, trafficPolicy: { loadBalancer: { simple: "ROUND_ROBIN" } } },
    }));
    const round = {
      ...shared[0],
      metadata: { name: "web", namespace: "default" },
      spec: { ...shared[0]?.spec, host: "web" },
    };
    await lab.apply([...shared, round]);
  });
  after(() => lab.close());

  /** Who answers requests to a host's port; one after the other. */
  const answers = async (url: string): Promise<string> => {
    const found = new Set<string>();
    for (let i = 0; i < 6; i++) {
      const { by, status } = await lab.http({ through: "client", url });
      found.add(by || String(status));
    }
    return [...found].sort().join(" ");
  };
  const tcp = async (address: string, port: number): Promise<string> =>
    (await lab.tcp({ through: "client", address, port, timeoutMs: 5_000 })).by;

  it("add their ports and endpoints to the oldest, and take them away again", async () => {
    await lab.apply([FIRST]);
    assert.equal(await answers("http://both.example.com/"), "10.40.0.1:80");
    await lab.apply([SECOND]);
    assert.equal(await answers("http://both.example.com/"), "10.40.0.1:80 10.40.0.2:80");
    assert.equal(await answers("http://both.example.com:8080/"), "10.40.0.2:8080");
    assert.equal(await tcp("10.89.0.1", 3306), "10.40.0.1:3306");
    assert.equal(await tcp("10.89.0.1", 3307), "10.40.0.2:3307", "the oldest's address has the others' ports too");
    await lab.remove([FIRST]);
    assert.equal(await answers("http://both.example.com/"), "10.40.0.2:80");
    assert.equal(await tcp("10.89.0.2", 3307), "10.40.0.2:3307", "the one that is left has its own address");
    await lab.remove([SECOND]);
    assert.notEqual(await answers("http://both.example.com/"), "10.40.0.2:80");
  });

  it("of another resolution stay away", async () => {
    await lab.during([FIRST, APART], async () => {
      assert.equal(await answers("http://both.example.com/"), "10.40.0.1:80");
      assert.doesNotMatch(await answers("http://both.example.com:8080/"), /10\.40/);
    });
  });

  it("that are looked up by names have all their names", async () => {
    await lab.during([DNS, MORE_DNS], async () => {
      assert.equal(await answers("http://dns.example.com/"), "10.40.0.1:80 10.40.0.2:80");
      assert.equal(await answers("http://dns.example.com:8080/"), "10.40.0.2:8080");
    });
  });

  it("add endpoints to a Kubernetes service, and no port", async () => {
    assert.equal(await answers("http://web/"), "pod");
    await lab.during([VM], async () => {
      assert.equal(await answers("http://web/"), "10.40.0.9:80 pod");
      assert.doesNotMatch(await answers("http://web:8080/"), /10\.40/);
    });
    assert.equal(await answers("http://web/"), "pod");
  });
});
