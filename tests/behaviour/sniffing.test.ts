// Ports that declare no protocol: each connection shows what it speaks.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { object, PROXIES, virtualService } from "./lab/cases.ts";
import { type Lab, openLab } from "./lab/lab.ts";
import { host, type LabService } from "./lab/mesh.ts";

const PORT = 8090;
const open = host("open", { ports: { web: PORT } });
const greeting: LabService = {
  ...{ name: "greeting", address: "10.96.0.40", ports: { web: 8091 } },
  pods: [{ name: "greeting", ip: "10.56.0.1" }],
};
/** Behind a sidecar. */
const inside: LabService = {
  ...{ name: "inside", address: "10.96.0.41", ports: { web: PORT } },
  pods: [{ name: "inside", ip: "10.1.0.30", sidecar: true, serviceAccount: "inside" }],
};
const marked = (name: string, more: object = {}): object =>
  virtualService(name, {
    http: [{ route: [{ destination: { host: name } }], headers: { request: { set: { "x-route": "yes" } } } }],
    ...more,
  });
const STRICT = [object("PeerAuthentication", "strict", { mtls: { mode: "STRICT" } })];

describe("a port without protocol", () => {
  let lab: Lab;
  before(async () => {
    lab = await openLab({
      proxies: {
        ...PROXIES,
        server: {
          kind: "explicit",
          ip: "10.1.0.30",
          app: "10.3.0.30",
          labels: { app: "inside" },
          serviceAccount: "inside",
        },
      },
      services: [open, greeting, inside],
      upstreams: [...["10.3.0.30:8090", "10.57.0.1:8092", "10.58.0.1:8093"].map((at) => ({ name: at, at }))],
      objects: [
        object("Gateway", "sniffing", {
          selector: { istio: "ingressgateway" },
          servers: [{ port: { number: 80, name: "http", protocol: "HTTP" }, hosts: ["*"] }],
        }),
        marked("open"),
        marked("inside", { gateways: ["mesh", "sniffing"] }),
        object("ServiceEntry", "shared", {
          hosts: ["shared.example.com"],
          ports: [{ number: 8092, name: "web" }],
          resolution: "STATIC",
          endpoints: [{ address: "10.57.0.1" }],
        }),
        marked("shared.example.com"),
        object("ServiceEntry", "network", {
          hosts: ["network.example.com"],
          addresses: ["10.59.0.0/16"],
          ports: [{ number: 8093, name: "web" }],
          resolution: "STATIC",
          endpoints: [{ address: "10.58.0.1" }],
        }),
        marked("network.example.com"),
      ],
    });
    await lab.serve({ name: "greeting", at: "10.56.0.1:8091", greets: true });
  });
  after(() => lab?.close());

  const http = (name: string, port: number, more: object = {}) =>
    lab.http({ through: "client", url: `http://${name}:${port}/`, ...more });

  it("takes HTTP for HTTP, in the version of its client, and bytes for bytes", async () => {
    for (const [version, protocol] of [
      ["1.1", "HTTP/1.1"],
      ["2", "HTTP/2"],
    ] as const) {
      const { got, by } = await http("open", PORT, { version });
      assert.match(by, /^open-/);
      assert.deepEqual([got?.headers["x-route"], got?.protocol], ["yes", protocol]);
    }
    assert.match((await lab.tcp({ through: "client", host: "open", port: PORT })).by, /^open-/);
  });
  it("is its service whatever host its clients name", async () => {
    assert.match((await http("open", PORT, { headers: { host: "any.example.com" } })).by, /^open-/);
  });
  it("lets a server speak first", async () => {
    assert.equal((await lab.tcp({ through: "client", host: "greeting", port: 8091, send: "" })).by, "greeting");
  });
  it("is shared by services without address", async () => {
    assert.equal((await http("shared.example.com", 8092)).got?.headers["x-route"], "yes");
    assert.equal((await lab.tcp({ through: "client", port: 8092 })).by, "10.57.0.1:8092");
  });
  it("may be one of a network's addresses", async () => {
    const address = "10.59.7.7";
    assert.equal((await http("network.example.com", 8093, { address })).got?.headers["x-route"], "yes");
    assert.equal((await lab.tcp({ through: "client", address, port: 8093 })).by, "10.58.0.1:8093");
  });

  const bothWays = async (): Promise<void> => {
    for (const version of ["1.1", "2"] as const) {
      const { got } = await http("inside", PORT, { version });
      assert.equal(got?.headers["x-route"], "yes");
      // Only a proxy that takes it for HTTP can forward who calls.
      assert.match(
        got?.headers["x-forwarded-client-cert"] ?? "",
        /URI=spiffe:\/\/cluster.local\/ns\/default\/sa\/default/,
      );
    }
    assert.equal((await lab.tcp({ through: "client", host: "inside", port: PORT })).by, "10.3.0.30:8090");
    const { got } = await lab.http({ to: "gateway", url: "http://inside.default.svc.cluster.local/" });
    assert.match(got?.headers["x-forwarded-client-cert"] ?? "", /URI=spiffe/, JSON.stringify(got));
  };
  it("is recognized by the server's proxy, by mutual TLS", bothWays);
  it("is recognized by the server's proxy, where mutual TLS is a must", () =>
    lab.during(STRICT, async () => {
      await bothWays();
      assert.equal((await lab.tcp({ to: "server", port: PORT })).by, "");
      assert.equal((await lab.http({ to: "server", url: `http://inside:${PORT}/` })).status, 0);
    }));
  it("takes plaintext HTTP, bytes and the application's own TLS from callers without a proxy", async () => {
    const answer = await lab.http({ to: "server", url: `http://inside:${PORT}/` });
    assert.deepEqual([answer.by, answer.headers.server], ["10.3.0.30:8090", "istio-envoy"]);
    assert.equal((await lab.tcp({ to: "server", port: PORT })).by, "10.3.0.30:8090");
    await lab.serve({ name: "own TLS", at: "10.3.0.30:8090", tls: lab.ca.issue({ dns: ["inside"] }) });
    assert.equal((await lab.tcp({ to: "server", port: PORT, tls: { sni: "inside" } })).by, "own TLS");
  });

  it("is called by HTTP, and by anything in a tunnel, through an explicit proxy", async () => {
    const call = { through: "explicit", url: `http://open:${PORT}/` };
    assert.equal((await lab.http(call)).got?.headers["x-route"], "yes");
    assert.match((await lab.http({ ...call, tunnel: true })).by, /^open-/);
    assert.match((await lab.tcp({ through: "explicit", host: "open", port: PORT, tunnel: true })).by, /^open-/);
  });
});
