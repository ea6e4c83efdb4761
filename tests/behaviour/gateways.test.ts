import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Lab, openLab } from "./lab/lab.ts";
import { host } from "./lab/mesh.ts";
import { object } from "./objects.ts";

const INGRESS = { istio: "ingress" };
const port = (number: number, protocol = "HTTP") => ({ number, name: `port-${number}`, protocol });
const gateway = (name: string, servers: object[], selector: object = INGRESS) =>
  object("Gateway", name, { selector, servers }, { namespace: "gateways" });
/** A VirtualService of some hosts at a Gateway; its server returns its name. */
const routed = (name: string, gateways: string[], hosts: string[], namespace = "default") =>
  object(
    "VirtualService",
    name,
    {
      hosts,
      gateways: gateways.map((each) => `gateways/${each}`),
      http: [{ route: [{ destination: { host: `${name}.default.svc.cluster.local` } }] }],
    },
    { namespace },
  );

const NAMES = ["web", "second", "wild", "any", "mine", "theirs", "others", "egress", "redirected", "older", "all"];

describe("a Gateway through a real Envoy", () => {
  let lab: Lab;
  before(async () => {
    lab = await openLab({
      proxies: {
        ingress: { kind: "gateway", ip: "10.1.0.1", namespace: "gateways", labels: { ...INGRESS, app: "gw" } },
        egress: { kind: "gateway", ip: "10.1.0.2", namespace: "gateways", labels: { istio: "egress" } },
      },
      services: NAMES.map((name) => host(name, { pods: [{ name, ip: `10.47.0.${NAMES.indexOf(name) + 1}` }] })),
      objects: [
        gateway("web", [
          { port: port(8080), hosts: ["web.example.com", "*.wild.example.com"], name: "main" },
          { port: port(8081, "HTTP2"), hosts: ["web.example.com"] },
          { port: port(8082, "GRPC"), hosts: ["*"] },
        ]),
        gateway("second", [{ port: port(8080), hosts: ["second.example.com"] }]),
        gateway("namespaces", [
          {
            port: port(8083),
            hosts: ["./mine.example.com", "default/theirs.example.com", "shop/others.example.com", "*/all.example.com"],
          },
        ]),
        gateway("egress", [{ port: port(8080), hosts: ["*"] }], { istio: "egress" }),
        gateway("everywhere", [{ port: port(8084), hosts: ["*"] }], {}),
        gateway("redirecting", [
          { port: port(8085), hosts: ["redirected.example.com", "bare.example.com"], tls: { httpsRedirect: true } },
        ]),
        routed("web", ["web"], ["web.example.com"]),
        routed("second", ["second"], ["second.example.com", "web.example.com"]),
        routed("wild", ["web"], ["a.wild.example.com"]),
        routed("any", ["web", "everywhere"], ["any.example.com"]),
        routed("mine", ["namespaces"], ["mine.example.com"], "gateways"),
        routed("theirs", ["namespaces"], ["theirs.example.com", "mine.example.com"]),
        routed("others", ["namespaces"], ["others.example.com"]),
        routed("all", ["namespaces"], ["all.example.com"], "elsewhere"),
        routed("egress", ["egress"], ["*.example.com"]),
        routed("redirected", ["redirecting"], ["redirected.example.com"]),
      ],
    });
  });
  after(() => lab.close());

  const get = async (name: string, number = 8080, to = "ingress", version: "1.1" | "2" = "1.1"): Promise<string> => {
    const url = `http://${name}.example.com:${number}/`;
    const { by, status, error } = await lab.http({ to, url, version });
    return by || (error ? "closed" : String(status));
  };

  it("servers.hosts: what a server and a VirtualService have in common", async () => {
    assert.deepEqual(
      [await get("web"), await get("a.wild"), await get("b.wild"), await get("any"), await get("second")],
      ["web", "wild", "404", "404", "second"],
    );
  });

  it("servers.port.number: each port has its own hosts", async () => {
    assert.deepEqual(
      [await get("web", 8081), await get("a.wild", 8081), await get("any", 8082)],
      ["web", "404", "any"],
    );
    assert.equal(await get("web", 8090), "closed");
  });

  it("servers.port.protocol: HTTP, HTTP2 and GRPC take HTTP/1 and HTTP/2", async () => {
    for (const number of [8080, 8081, 8082])
      assert.deepEqual([await get("web", number), await get("web", number, "ingress", "2")], ["web", "web"]);
  });

  it("servers.port.name, servers.name and several Gateways: one port serves them together", async () =>
    assert.deepEqual([await get("web"), await get("second")], ["web", "second"]));

  it("servers.hosts with namespaces: of whom VirtualServices are taken", async () => {
    assert.deepEqual(
      [await get("mine", 8083), await get("theirs", 8083), await get("others", 8083), await get("all", 8083)],
      ["mine", "theirs", "404", "all"],
    );
  });

  it("selector: proxies that have all of its labels; an empty one is every gateway", async () => {
    assert.deepEqual([await get("web", 8080, "egress"), await get("web", 8081, "egress")], ["egress", "closed"]);
    assert.deepEqual([await get("any", 8084), await get("any", 8084, "egress")], ["any", "any"]);
  });

  it("servers.tls.httpsRedirect: to the same place by HTTPS, with a VirtualService and without", async () => {
    for (const name of ["redirected", "bare"]) {
      const { status, headers } = await lab.http({ to: "ingress", url: `http://${name}.example.com:8085/a?b=c` });
      assert.deepEqual([status, headers.location], [301, `https://${name}.example.com:8085/a?b=c`]);
    }
  });
});
