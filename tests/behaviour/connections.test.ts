import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Lab, openLab, type TcpCall } from "./lab/lab.ts";

const tls = { number: 443, name: "tls", protocol: "TLS" };
const entry = (host: string, port: object, more: object) => ({
  apiVersion: "networking.istio.io/v1",
  kind: "ServiceEntry",
  metadata: { name: host, namespace: "default" },
  spec: { hosts: [host], ports: [port], resolution: "STATIC", ...more },
});

const OBJECTS = [
  entry("a.example.com", tls, { endpoints: [{ address: "10.2.0.1" }] }),
  entry("b.example.com", tls, { endpoints: [{ address: "10.2.0.2" }] }),
  entry(
    "sql.example.com",
    { number: 3306, name: "mysql", protocol: "TCP" },
    { addresses: ["10.77.0.0/16"], endpoints: [{ address: "10.2.0.3" }] },
  ),
  {
    apiVersion: "security.istio.io/v1",
    kind: "PeerAuthentication",
    metadata: { name: "ratings", namespace: "default" },
    spec: { selector: { matchLabels: { app: "ratings" } }, portLevelMtls: { "7777": { mode: "STRICT" } } },
  },
];

describe("connections through a real Envoy arrive where they were meant to", () => {
  let lab: Lab;
  before(async () => {
    const port = { http: 9080 };
    lab = await openLab({
      proxies: {
        captured: { kind: "captured", ip: "10.1.0.9", labels: { app: "ratings" } },
        explicit: { kind: "explicit", ip: "127.20.1.9", app: "127.20.2.9", labels: { app: "ratings" } },
      },
      services: [
        // The only pod that pilot knows of ratings is another one: a call that took the way out again would arrive there.
        { name: "ratings", address: "10.96.0.9", ports: port, pods: [{ name: "other ratings", ip: "10.1.0.10" }] },
        { name: "reviews", address: "10.96.0.1", ports: port, pods: [{ name: "reviews", ip: "10.1.0.5" }] },
      ],
      upstreams: [
        ...["10.1.0.9:9080", "10.1.0.9:7000", "10.1.0.9:7777", "127.20.2.9:9080"],
        ...["10.2.0.1:443", "10.2.0.2:443", "10.2.0.3:3306", "10.200.0.1:443", "10.99.3.3:3306"],
      ].map((at) => ({ name: at, at })),
      objects: OBJECTS,
    });
  });
  after(() => lab.close());

  const web = { to: "captured", url: "http://ratings:9080/" };
  it("captured: its own port", async () => assert.equal((await lab.http(web)).by, "10.1.0.9:9080"));
  it("captured: a service's address", async () =>
    assert.equal((await lab.http({ through: "captured", url: "http://reviews:9080/" })).by, "reviews"));
  it("explicit: its own port", async () =>
    assert.equal((await lab.http({ ...web, to: "explicit" })).by, "127.20.2.9:9080"));
  it("explicit: a service by HTTP", async () =>
    assert.equal((await lab.http({ through: "explicit", url: "http://reviews:9080/" })).by, "reviews"));
  it("explicit: a service by HTTP in a tunnel", async () =>
    assert.equal((await lab.http({ through: "explicit", url: "http://reviews:9080/", tunnel: true })).by, "reviews"));

  const captured = { through: "captured", address: "10.200.0.1", port: 443 };
  const tunnel = { through: "explicit", tunnel: true };
  // A server without a certificate answers a handshake as it answers bytes: the client sees no TLS, the test who it was.
  const hello = (sni: string) => ({ send: clientHello(sni) });
  const cases: [string, TcpCall, string][] = [
    ["a port of no service", { to: "captured", port: 7000 }, "10.1.0.9:7000"],
    ["a port of no service that is STRICT", { to: "captured", port: 7777 }, ""],
    ["a server's name", { ...captured, ...hello("a.example.com") }, "10.2.0.1:443"],
    ["another server's name", { ...captured, ...hello("b.example.com") }, "10.2.0.2:443"],
    ["a name that nobody knows", { ...captured, ...hello("c.example.com") }, "10.200.0.1:443"],
    ["an address of a network", { ...captured, address: "10.77.3.3", port: 3306 }, "10.2.0.3:3306"],
    ["an address of no network", { ...captured, address: "10.99.3.3", port: 3306 }, "10.99.3.3:3306"],
    [
      "a TLS server in a tunnel",
      { ...tunnel, host: "a.example.com", port: 443, ...hello("a.example.com") },
      "10.2.0.1:443",
    ],
    [
      "another TLS server in a tunnel",
      { ...tunnel, host: "b.example.com", port: 443, ...hello("b.example.com") },
      "10.2.0.2:443",
    ],
    ["a TCP server in a tunnel", { ...tunnel, host: "sql.example.com", port: 3306 }, "10.2.0.3:3306"],
    ["a TCP server at a port of the proxy", { to: "explicit", port: 3306 }, "10.2.0.3:3306"],
  ];
  for (const [name, call, expected] of cases)
    it(`${call.through ?? call.to}: ${name}`, async () => assert.equal((await lab.tcp(call)).by, expected));
});

/** The first record of a handshake that asks for a server by its name. */
function clientHello(sni: string): string {
  const part = (bytes: Buffer, size: number): Buffer => {
    const length = Buffer.alloc(size);
    length.writeUIntBE(bytes.length, 0, size);
    return Buffer.concat([length, bytes]);
  };
  const name = part(Buffer.concat([Buffer.from([0]), part(Buffer.from(sni), 2)]), 2);
  const body = Buffer.concat([
    ...[Buffer.from([3, 3]), Buffer.alloc(32, 7), Buffer.from([0]), part(Buffer.from([0x13, 1, 0xc0, 0x2f]), 2)],
    ...[Buffer.from([1, 0]), part(Buffer.concat([Buffer.from([0, 0]), part(name, 2)]), 2)],
  ]);
  const record = Buffer.concat([Buffer.from([22, 3, 1]), part(Buffer.concat([Buffer.from([1]), part(body, 3)]), 2)]);
  return record.toString("latin1");
}
