// Where a Gateway's servers of bytes lead, and of TLS that they do not terminate; and at which address they listen.
import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, describe, it } from "node:test";
import { createTestCa } from "@xebec/testing-launch";
import { tlsSecret } from "./lab/kubernetes-secrets.ts";
import { type Lab, openLab, type TcpCall } from "./lab/lab.ts";
import { host, type LabService } from "./lab/mesh.ts";
import { object } from "./objects.ts";

const CA = createTestCa("servers");
const INGRESS = { istio: "ingress" };
const gateway = (name: string, servers: object[], created = "2026-01-01T00:00:00Z"): object =>
  object("Gateway", name, { selector: INGRESS, servers }, { namespace: "gateways", creationTimestamp: created });
const port = (number: number, protocol: string, name = `p${number}`) => ({ number, name, protocol });
const to = (name: string, subset?: string, weight?: number) => ({
  destination: { host: `${name}.default.svc.cluster.local`, ...(subset ? { subset } : {}) },
  ...(weight === undefined ? {} : { weight }),
});
const routes = (name: string, gateways: string[], hosts: string[], spec: object, namespace = "default"): object =>
  object(
    "VirtualService",
    name,
    { hosts, gateways: gateways.map((each) => `gateways/${each}`), ...spec },
    { namespace },
  );
const versions = (name: string): object =>
  object("DestinationRule", name, {
    host: `${name}.default.svc.cluster.local`,
    subsets: ["v1", "v2"].map((version) => ({ name: version, labels: { version } })),
  });
const PASS = { mode: "PASSTHROUGH" };

/** A service whose servers speak TLS themselves, or take bytes. */
const tcp = (name: string): LabService => host(name, { ports: { tcp: 9000 } });
const secure = (name: string): LabService => host(name, { ports: { tls: 443 } });
const PLAIN = ["one", "two", "inside", "older", "newer", "web"];
const SECURE = ["passed", "chosen", "weighted", "far"];
/** The pod of this one has a proxy, behind which its server is. */
const MESH = host("meshed", {
  ports: { tcp: 9000 },
  pods: [
    { name: "meshed-v1", ip: "10.1.0.8", labels: { version: "v1" }, sidecar: true },
    { name: "meshed-bare", ip: "10.49.0.9", labels: { version: "v2" } },
  ],
});

describe("connections through a Gateway and a real Envoy", () => {
  let lab: Lab;
  const friend = createTestCa().issue({ uris: ["spiffe://cluster.local/ns/default/sa/friend"] });
  before(async () => {
    const services = [...PLAIN.map((name) => (name === "web" ? host(name) : tcp(name))), ...SECURE.map(secure)];
    const certificates = SECURE.flatMap((name) => services.find((each) => each.name === name)?.pods ?? []);
    lab = await openLab({
      proxies: {
        ingress: { kind: "gateway", ip: "10.1.0.1", namespace: "gateways", labels: INGRESS },
        meshed: {
          ...{ kind: "explicit", ip: "10.1.0.8", app: "10.49.0.8" },
          labels: { app: "meshed", version: "v1", "security.istio.io/tlsMode": "istio" },
        },
      },
      services: [...services, MESH],
      upstreams: [{ name: "meshed", at: "10.49.0.8:9000" }],
      secrets: [tlsSecret("inside", CA.issue({ dns: ["inside.example.com"] }))],
      objects: [
        gateway("bytes", [
          { port: port(9001, "TCP"), hosts: ["*"] },
          { port: port(9002, "MONGO"), hosts: ["two.example.com"] },
          { port: port(9003, "TCP"), hosts: ["*"] },
        ]),
        routes("one", ["bytes"], ["*"], {
          tcp: [
            { match: [{ port: 9001 }], route: [to("one", "v1", 0), to("one", "v2", 100)] },
            { match: [{ port: 9002, gateways: ["gateways/other"] }], route: [to("one")] },
          ],
        }),
        routes("two", ["bytes"], ["two.example.com"], { tcp: [{ match: [{ port: 9002 }], route: [to("two", "v1")] }] }),
        ...["one", "two", "weighted", "meshed"].map(versions),
        gateway("passing", [
          { port: port(8443, "TLS", "tls"), hosts: ["*.example.com", "gateways/far.example.net"], tls: PASS },
          { port: port(8444, "HTTPS", "https"), hosts: ["*"], tls: PASS },
        ]),
        routes("passed", ["passing"], ["*.example.com"], {
          tls: [
            { match: [{ port: 8443, sniHosts: ["chosen.example.com"] }], route: [to("chosen")] },
            {
              match: [{ port: 8443, sniHosts: ["weighted.example.com"] }],
              route: [to("weighted", "v1", 0), to("weighted", "v2", 1)],
            },
            {
              match: [{ port: 8443, gateways: ["gateways/other"], sniHosts: ["away.example.com"] }],
              route: [to("chosen")],
            },
            { match: [{ sniHosts: ["*.example.com"] }], route: [to("passed")] },
          ],
        }),
        routes("far", ["passing"], ["far.example.net"], {
          tls: [{ match: [{ sniHosts: ["far.example.net"] }], route: [to("far")] }],
        }),
        gateway("inside", [
          {
            ...{ port: port(8445, "TLS"), hosts: ["inside.example.com"] },
            tls: { mode: "SIMPLE", credentialName: "inside" },
          },
        ]),
        routes("inside", ["inside"], ["inside.example.com"], { tcp: [{ route: [to("inside")] }] }),
        gateway("dnat", [{ port: port(15443, "TLS"), hosts: ["*.cluster.local"], tls: { mode: "AUTO_PASSTHROUGH" } }]),
        gateway("bound", [
          { port: port(9010, "TCP"), hosts: ["*"], bind: "10.1.0.200" },
          {
            port: { name: "socket", protocol: "HTTP" },
            hosts: ["web.example.com"],
            bind: "unix:///tmp/xebec-gateway-test.sock",
          },
          { port: port(9011, "HTTP"), hosts: ["web.example.com"], bind: "10.1.0.200" },
        ]),
        routes("bound", ["bound"], ["*"], { tcp: [{ route: [to("older")] }] }),
        routes("web", ["bound"], ["web.example.com"], { http: [{ route: [to("web")] }] }),
        gateway("first", [{ port: port(9020, "TCP"), hosts: ["*"] }]),
        gateway(
          "late",
          [
            { port: port(9020, "HTTP"), hosts: ["*"] },
            { port: port(9020, "TCP", "t"), hosts: ["*"] },
          ],
          "2026-02-01T00:00:00Z",
        ),
        routes("older", ["first"], ["*"], { tcp: [{ route: [to("older")] }] }),
        routes("newer", ["late"], ["*"], { http: [{ route: [to("newer")] }], tcp: [{ route: [to("newer")] }] }),
      ],
    });
    for (const { name, ip } of certificates)
      await lab.serve({ name, at: `${ip}:443`, tls: CA.issue({ dns: [`${name}.example.com`] }) });
  });
  after(() => lab.close());

  const at = async (number: number, more: Partial<TcpCall> = {}): Promise<string> => {
    const { by, error } = await lab.tcp({ to: "ingress", port: number, ...more });
    return by || (error ? "closed" : "silent");
  };
  const tls = (sni: string, number = 8443) => at(number, { tls: { sni } });

  it("TCP: by the rules of the oldest VirtualService that has one for the port, with weights", async () => {
    for (let i = 0; i < 4; i++) assert.equal(await at(9001), "one-v2");
    assert.equal(await at(9002), "two-v1");
    // No rule is for this port: nobody listens.
    assert.equal(await at(9003), "closed");
  });

  it("tls.mode PASSTHROUGH: by the name in the handshake, and the server's own certificate arrives", async () => {
    assert.match(await tls("any.example.com"), /^passed-/);
    assert.match(await tls("chosen.example.com"), /^chosen-/);
    for (let i = 0; i < 4; i++) assert.equal(await tls("weighted.example.com"), "weighted-v2");
    const { peer } = await lab.tcp({ to: "ingress", port: 8443, tls: { sni: "chosen.example.com" } });
    assert.match(peer, /DNS:chosen-v\d\.example\.com/);
  });

  it("tls.match.port and tls.match.gateways: of this server", async () => {
    assert.match(await tls("chosen.example.com", 8444), /^passed-/);
    assert.match(await tls("away.example.com"), /^passed-/);
  });

  it("servers.hosts: names that the server does not have, and VirtualServices of other namespaces, have no way", async () => {
    assert.equal(await tls("far.example.net"), "closed");
    assert.match(await tls("far.example.net", 8444), /^far-/);
    assert.equal(await tls("nobody.example.org"), "closed");
  });

  it("protocol TLS that is terminated: bytes go on by `tcp` rules", async () => {
    const { by, got, peer } = await lab.tcp({ to: "ingress", port: 8445, tls: { sni: "inside.example.com" } });
    assert.match(by, /^inside-/);
    assert.deepEqual([peer, got?.tls], ["DNS:inside.example.com", undefined]);
    assert.equal(await tls("other.example.com", 8445), "closed");
  });

  it("tls.mode AUTO_PASSTHROUGH: to the service, port and subset that the handshake names, by mutual TLS alone", async () => {
    const own = lab.ca.issue({ uris: ["spiffe://cluster.local/ns/default/sa/friend"] });
    const through = (subset: string, more: object = {}) =>
      at(15443, {
        tls: { sni: `outbound_.9000_.${subset}_.meshed.default.svc.cluster.local`, alpn: ["istio"], ...own, ...more },
      });
    for (let i = 0; i < 4; i++) assert.equal(await through(""), "meshed");
    assert.equal(await through("v1"), "meshed");
    // Its one pod has no proxy, which could not prove who it is.
    assert.equal(await through("v2"), "closed");
    assert.equal(await through("", { alpn: [] }), "closed");
    assert.equal(await through("", friend), "closed");
    assert.equal(
      await at(15443, { tls: { sni: "meshed.default.svc.cluster.local", alpn: ["istio"], ...own } }),
      "closed",
    );
  });

  it("servers.bind: an address, or a Unix socket", async () => {
    assert.match(await at(0, { at: "10.1.0.200:9010" }), /^older-/);
    assert.equal(await at(9010), "closed");
    const { by } = await lab.http({ at: "10.1.0.200:9011", url: "http://web.example.com/" });
    assert.match(by, /^web-/);
    const status = await new Promise((resolve, reject) => {
      const options = {
        socketPath: "/tmp/xebec-gateway-test.sock",
        headers: { host: "web.example.com" },
        agent: false,
      };
      request(options, (res) => resolve(res.resume() && res.statusCode))
        .on("error", reject)
        .end();
    });
    assert.equal(status, 200);
  });

  it("two Gateways with different protocols on a port: the older one has it", async () =>
    assert.match(await at(9020), /^older-/));
});
