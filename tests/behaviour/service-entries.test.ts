import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, describe, it } from "node:test";
import { type HttpCall, type Lab, openLab } from "./lab/lab.ts";
import { entry, object, policy } from "./objects.ts";

const HTTP = { number: 80, name: "http", protocol: "HTTP" };
const TCP = { number: 5000, name: "tcp", protocol: "TCP" };
const at = (...addresses: string[]) => ({ endpoints: addresses.map((address) => ({ address })) });
const robin = (host: string) => policy(host, { loadBalancer: { simple: "ROUND_ROBIN" } });

const SERVERS = [
  ...["10.45.0.1:80", "10.45.0.2:80", "10.45.0.1:5000", "10.45.0.2:5000", "10.45.0.1:8080", "10.45.0.2:8081"],
  ...["10.45.1.1:80", "10.45.1.1:9080", "10.45.2.1:5000", "10.45.3.1:5000"],
];

describe("a ServiceEntry through a real Envoy", () => {
  let lab: Lab;
  const local = createServer((_, response) => response.setHeader("x-by", "socket").end());
  before(async () => {
    lab = await openLab({
      proxies: {
        client: { kind: "captured", ip: "10.1.0.1" },
        shopper: { kind: "captured", ip: "10.1.0.2", namespace: "shop" },
      },
      upstreams: SERVERS.map((each) => ({ name: each, at: each })),
    });
    await lab.name("names.example.com", ["10.45.0.1", "10.45.0.2"]);
    await lab.name("one.names.example.com", ["10.45.0.1"]);
    await lab.name("two.names.example.com", ["10.45.0.2"]);
    await lab.name("single.example.com", ["10.45.0.2"]);
    local.listen(lab.folder.file("app.sock"));
    await once(local, "listening");
    const meshed = { address: "10.45.4.1", serviceAccount: "api" };
    await lab.apply([
      object("ServiceEntry", "hosts", {
        hosts: ["a.example.com", "*.b.example.com"],
        ports: [HTTP],
        resolution: "STATIC",
        ...at("10.45.0.1"),
      }),
      entry("static.example.com", { ports: [HTTP], ...at("10.45.0.1", "10.45.0.2") }),
      entry("none.example.com", { resolution: "NONE", ports: [HTTP] }),
      entry("none-port.example.com", { resolution: "NONE", ports: [{ ...HTTP, targetPort: 9080 }] }),
      entry("names.example.com", { resolution: "DNS", ports: [HTTP] }),
      entry("dns.example.com", {
        resolution: "DNS",
        ports: [HTTP],
        ...at("one.names.example.com", "two.names.example.com"),
      }),
      entry("single.example.com", { resolution: "DNS_ROUND_ROBIN", ports: [HTTP] }),
      entry("target.example.com", { ports: [{ ...HTTP, targetPort: 8080 }], ...at("10.45.0.1") }),
      entry("own-port.example.com", {
        ports: [{ ...HTTP, targetPort: 8080 }],
        endpoints: [{ address: "10.45.0.1" }, { address: "10.45.0.2", ports: { http: 8081 } }],
      }),
      entry("weighted.example.com", {
        ports: [HTTP],
        endpoints: [{ address: "10.45.0.1", weight: 3 }, { address: "10.45.0.2" }],
      }),
      entry("labelled.example.com", {
        ports: [HTTP],
        endpoints: [
          { address: "10.45.0.1", labels: { version: "v1" }, locality: "eu/north/a" },
          { address: "10.45.0.2", labels: { version: "v2" }, locality: "us" },
        ],
      }),
      entry("unix.example.com", { ports: [HTTP], endpoints: [{ address: `unix://${lab.folder.file("app.sock")}` }] }),
      entry("address.example.com", { addresses: ["10.90.0.1"], ports: [TCP], ...at("10.45.2.1") }),
      entry("network.example.com", { addresses: ["10.91.0.0/16"], ports: [TCP], ...at("10.45.3.1") }),
      entry("http-address.example.com", { addresses: ["10.90.0.2"], ports: [HTTP], ...at("10.45.0.1") }),
      entry("protocol.example.com", {
        ports: [
          { number: 80, name: "grpc", protocol: "GRPC" },
          { number: 81, name: "h2", protocol: "HTTP2", targetPort: 80 },
        ],
        ...at("10.45.0.1"),
      }),
      entry("internal.example.com", { location: "MESH_INTERNAL", ports: [HTTP], endpoints: [meshed] }),
      entry("external.example.com", { location: "MESH_EXTERNAL", ports: [HTTP], endpoints: [meshed] }),
      entry("stranger.example.com", {
        location: "MESH_INTERNAL",
        ports: [HTTP],
        endpoints: [{ ...meshed, serviceAccount: "somebody-else" }],
      }),
      entry("listed.example.com", {
        location: "MESH_INTERNAL",
        ports: [HTTP],
        endpoints: [{ ...meshed, serviceAccount: "somebody-else" }],
        subjectAltNames: ["spiffe://cluster.local/ns/default/sa/api"],
      }),
      entry("own.example.com", { exportTo: ["."], ports: [HTTP], ...at("10.45.0.1") }),
      entry("given.example.com", { exportTo: ["shop"], ports: [HTTP], ...at("10.45.0.1") }),
      entry("open.example.com", { exportTo: ["*"], ports: [HTTP], ...at("10.45.0.1") }),
      ...["static", "names", "dns", "weighted", "own-port"].map((name) => robin(`${name}.example.com`)),
      policy(
        "labelled.example.com",
        {},
        {
          trafficPolicy: { loadBalancer: { simple: "ROUND_ROBIN" } },
          subsets: [{ name: "v2", labels: { version: "v2" } }],
        },
      ),
      object("VirtualService", "labelled", {
        hosts: ["labelled.example.com"],
        http: [{ route: [{ destination: { host: "labelled.example.com", subset: "v2" } }] }],
      }),
    ]);
    const tls = lab.ca.issue({ uris: ["spiffe://cluster.local/ns/default/sa/api"] });
    await lab.serve({ name: "meshed", at: "10.45.4.1:80", tls });
  });
  after(async () => {
    local.close();
    await lab.close();
  });

  const get = (host: string, more: Partial<HttpCall> = {}) =>
    lab.http({ through: "client", url: `http://${host}.example.com/`, ...more });
  /** Who answers a number of requests, and how many of them. */
  const shares = async (host: string, count = 8, more: Partial<HttpCall> = {}): Promise<Record<string, number>> => {
    const found: Record<string, number> = {};
    for (let i = 0; i < count; i++) {
      const { by, status } = await get(host, more);
      found[by || status] = (found[by || status] ?? 0) + 1;
    }
    return found;
  };

  it("hosts: each of them, and every host below a wildcard", async () => {
    for (const host of ["a", "x.b", "y.x.b"]) assert.equal((await get(host)).by, "10.45.0.1:80", host);
  });

  it("resolution STATIC and endpoints.address: these addresses", async () =>
    assert.deepEqual(await shares("static"), { "10.45.0.1:80": 4, "10.45.0.2:80": 4 }));

  it("resolution NONE: the address that was dialled, at the port's targetPort", async () => {
    assert.deepEqual(await shares("none", 2, { address: "10.45.1.1" }), { "10.45.1.1:80": 2 });
    assert.deepEqual(await shares("none-port", 2, { address: "10.45.1.1" }), { "10.45.1.1:9080": 2 });
  });

  it("resolution DNS: all addresses of the host's or the endpoints' names", async () => {
    for (const host of ["names", "dns"])
      assert.deepEqual(await shares(host), { "10.45.0.1:80": 4, "10.45.0.2:80": 4 }, host);
  });

  it("resolution DNS_ROUND_ROBIN: an address of the name", async () =>
    assert.deepEqual(await shares("single", 3), { "10.45.0.2:80": 3 }));

  it("ports.targetPort and endpoints.ports: where the endpoints listen", async () => {
    assert.deepEqual(await shares("target", 2), { "10.45.0.1:8080": 2 });
    assert.deepEqual(await shares("own-port"), { "10.45.0.1:8080": 4, "10.45.0.2:8081": 4 });
  });

  it("endpoints.weight: three times as many for the one that weighs three", async () =>
    assert.deepEqual(await shares("weighted"), { "10.45.0.1:80": 6, "10.45.0.2:80": 2 }));

  it("endpoints.labels: subsets choose by them", async () =>
    assert.deepEqual(await shares("labelled", 4), { "10.45.0.2:80": 4 }));

  it("endpoints.locality: Envoy knows where they are", async () => {
    const text = (await lab.envoys.get("client")?.admin("/clusters")) ?? "";
    const where = (address: string): string[] =>
      ["region", "zone", "sub_zone"].map(
        (each) => new RegExp(`^outbound.80..labelled.*::${address}:80::${each}::(.*)$`, "m").exec(text)?.[1] ?? "?",
      );
    assert.deepEqual(
      [where("10.45.0.1"), where("10.45.0.2")],
      [
        ["eu", "north", "a"],
        ["us", "", ""],
      ],
    );
  });

  it("endpoints.address: a Unix socket", async () => assert.equal((await get("unix")).by, "socket"));

  it("addresses: an address and a network of bytes, and a host of HTTP", async () => {
    const tcp = async (address: string) => (await lab.tcp({ through: "client", address, port: 5000 })).by;
    assert.deepEqual([await tcp("10.90.0.1"), await tcp("10.91.7.7")], ["10.45.2.1:5000", "10.45.3.1:5000"]);
    assert.equal((await lab.http({ through: "client", url: "http://10.90.0.2/" })).by, "10.45.0.1:80");
  });

  it("ports.protocol: what is spoken to the endpoints", async () => {
    assert.equal((await get("static")).got?.protocol, "HTTP/1.1");
    assert.equal((await get("protocol")).got?.protocol, "HTTP/2");
    assert.equal((await get("protocol", { url: "http://protocol.example.com:81/" })).got?.protocol, "HTTP/2");
  });

  it("location and endpoints.serviceAccount: mutual TLS inside the mesh, with that identity", async () => {
    const client = "URI:spiffe://cluster.local/ns/default/sa/default";
    assert.equal((await get("internal")).got?.tls?.client, client);
    assert.equal((await get("stranger")).by, "");
    assert.equal((await get("external")).by, "meshed");
    assert.equal((await get("external")).got?.tls, undefined);
  });

  it("subjectAltNames: identities that are accepted too", async () => assert.equal((await get("listed")).by, "meshed"));

  it("exportTo: `.`, a namespace, everybody", async () => {
    const seen = async (through: string): Promise<string[]> => {
      const found = [];
      for (const host of ["own", "given", "open"])
        if ((await get(host, { through })).by === "10.45.0.1:80") found.push(host);
      return found;
    };
    assert.deepEqual(
      [await seen("client"), await seen("shopper")],
      [
        ["own", "open"],
        ["given", "open"],
      ],
    );
  });
});
