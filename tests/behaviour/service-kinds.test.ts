// Kubernetes services that are not just an address with pods behind it, and what no service is.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Lab, openLab } from "./lab/lab.ts";
import { host, type LabService } from "./lab/mesh.ts";
import { object, policy } from "./objects.ts";

const headless = (name: string, port: string, number: number, network: number, more: object = {}): LabService => ({
  ...{ name, ports: { [port]: number } },
  pods: [0, 1].map((i) => ({ name: `${name}-${i}`, ip: `10.50.${network}.${i + 1}`, ...more })),
});
const external = (name: string, externalName: string): LabService => ({
  ...{ name, externalName, ports: { http: 80 }, pods: [] },
});
const MESHED = { sidecar: true, serviceAccount: "db" };

describe("through a real Envoy", () => {
  let lab: Lab;
  before(async () => {
    lab = await openLab({
      proxies: { client: { kind: "captured", ip: "10.1.0.1", metadata: { NODE_NAME: "here" } } },
      services: [
        headless("set", "http", 80, 1),
        headless("cache", "tcp", 9000, 2),
        headless("db", "tcp", 9000, 3, MESHED),
        host("web", { pods: [{ name: "web", ip: "10.50.4.1", sidecar: true, serviceAccount: "web" }] }),
        external("alias", "web.default.svc.cluster.local"),
        external("chain", "alias.default.svc.cluster.local"),
        external("outside", "names.example.com"),
        host("declared", { ports: { web: 80 }, appProtocol: "http2" }),
        host("local", {
          internalTrafficPolicy: "Local",
          pods: ["here", "there"].map((node, i) => ({ name: `local-${node}`, ip: `10.50.7.${i + 1}`, node })),
        }),
        host("browsers", { ports: { "grpc-web": 80 } }),
      ],
      upstreams: ["10.50.5.1:80", "10.50.6.1:80", "10.50.6.1:7000"].map((at) => ({ name: at, at })),
      objects: [policy("web", { tls: { mode: "ISTIO_MUTUAL", sni: "by-rule.example.com" } })],
    });
    await lab.name("names.example.com", ["10.50.5.1"]);
    const tls = (name: string) => lab.ca.issue({ uris: [`spiffe://cluster.local/ns/default/sa/${name}`] });
    await lab.serve({ name: "web", at: "10.50.4.1:80", tls: tls("web") });
    for (const i of [0, 1]) await lab.serve({ name: `db-${i}`, at: `10.50.3.${i + 1}:9000`, tls: tls("db") });
    // It is looked up again, now that it has an address.
    await lab.apply([], [external("outside", "names.example.com")]);
    await lab.apply([policy("outside", { connectionPool: { tcp: { connectTimeout: "1s" } } })]);
  });
  after(() => lab?.close());

  const get = (url: string, more: object = {}) => lab.http({ through: "client", url, ...more });

  it("a headless service for HTTP: the pod that was dialled, by the service's name or its own", async () => {
    for (const i of [0, 1])
      for (const name of ["set", `set-${i}.set`, `set-${i}.set.default.svc.cluster.local`])
        assert.equal((await get(`http://${name}/`, { address: `10.50.1.${i + 1}` })).by, `set-${i}`, name);
  });

  it("headless services for TCP on one port: each has its own pods and their identity", async () => {
    for (const i of [0, 1]) {
      const cache = await lab.tcp({ through: "client", address: `10.50.2.${i + 1}`, port: 9000 });
      assert.deepEqual([cache.by, cache.got?.tls], [`cache-${i}`, undefined]);
      const db = await lab.tcp({ through: "client", address: `10.50.3.${i + 1}`, port: 9000 });
      assert.deepEqual([db.by, db.got?.tls?.sni], [`db-${i}`, "outbound_.9000_._.db.default.svc.cluster.local"]);
    }
  });

  it("ExternalName for a service of the mesh: that service, with its rules and mutual TLS", async () => {
    for (const name of ["alias", "chain", "alias.default.svc.cluster.local"]) {
      const { got, by } = await get(`http://${name}/`);
      assert.deepEqual([by, got?.headers.host, got?.tls?.sni], ["web", name, "by-rule.example.com"]);
    }
  });

  it("ExternalName for another name: its addresses in DNS", async () =>
    assert.equal((await get("http://outside/")).by, "10.50.5.1:80"));

  it("internalTrafficPolicy Local: the endpoints of the client's node", async () => {
    for (let i = 0; i < 6; i++) assert.equal((await get("http://local/")).by, "local-here");
  });

  it("appProtocol: what is spoken to the pods, whatever the port's name is", async () =>
    assert.equal((await get("http://declared/")).got?.protocol, "HTTP/2"));

  it("gRPC-Web by the port's name: becomes gRPC", async () => {
    const headers = { "content-type": "application/grpc-web" };
    const answer = await get("http://browsers/a.B/C", { method: "POST", headers, do: "grpc:0" });
    const [got] = await lab.arrivals(answer);
    assert.deepEqual([answer.status, got?.protocol, got?.headers["content-type"]], [200, "HTTP/2", "application/grpc"]);
  });

  it("what no registry knows: to where it was meant, or nowhere", async () => {
    const unknown = { address: "10.50.6.1" };
    const bytes = { through: "client", ...unknown, port: 7000 };
    assert.equal((await get("http://unknown.example.com/", unknown)).by, "10.50.6.1:80");
    assert.equal((await lab.tcp(bytes)).by, "10.50.6.1:7000");
    const spec = { outboundTrafficPolicy: { mode: "REGISTRY_ONLY" } };
    await lab.during([object("MeshConfig", "mesh", spec, { namespace: "istio-system" })], async () => {
      assert.equal((await get("http://unknown.example.com/", unknown)).status, 502);
      assert.equal((await lab.tcp(bytes)).by, "");
    });
  });
});
