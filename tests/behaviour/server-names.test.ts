import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { createTestCa, tempDir } from "@xebec/testing-launch";
import { type Lab, openLab } from "./lab/lab.ts";
import { host, type LabService } from "./lab/mesh.ts";

/** An authority that many trust: what it issues for one name says nothing of another. */
const PUBLIC = createTestCa("public");
const OTHER = createTestCa("other");
const FILES = tempDir();
const file = (name: string, text: string): string => {
  writeFileSync(FILES.file(name), text);
  return FILES.file(name);
};
const ROOT = file("root.pem", PUBLIC.cert);
const client = PUBLIC.issue({ dns: ["client.example.com"] });
const PAIR = { clientCertificate: file("client.pem", client.cert), privateKey: file("client.key", client.key) };
/** A minute's life, which began a minute ago. */
const EXPIRED = { validMs: 1 };
const NOBODY = "other.example.com";

interface Case {
  readonly name: string;
  /** Names in the server's certificate; `HOST` is the host of the case. */
  readonly names: readonly string[];
  readonly passes: boolean;
  readonly tls?: object;
  readonly port?: object;
  /** More of the ServiceEntry. */
  readonly entry?: object;
  /** Host of the ServiceEntry where it is not the case's own; `HOST` stands for that. */
  readonly entryHost?: string;
  /** Host header of the request; `HOST` is the host of the case. */
  readonly authority?: string;
  readonly issued?: "expired" | "by another authority";
  /** The server name that must arrive; `HOST` is the host of the case. */
  readonly sni?: string;
}

const HTTP = { number: 80, name: "http", protocol: "HTTP", targetPort: 443 };
const bytes = (protocol: string) => ({ number: 443, name: "bytes", protocol });
const HOST = "HOST";

const CASES: readonly Case[] = [
  ...["HTTPS", "TLS", "TCP"].flatMap((protocol): Case[] => [
    { name: `${protocol}: the host's name`, port: bytes(protocol), names: [HOST], passes: true, sni: HOST },
    { name: `${protocol}: another name of the same authority`, port: bytes(protocol), names: [NOBODY], passes: false },
    { name: `${protocol}: expired`, port: bytes(protocol), names: [HOST], issued: "expired", passes: false },
    {
      ...{ name: `${protocol}: of another authority`, port: bytes(protocol), names: [HOST], passes: false },
      issued: "by another authority",
    },
  ]),
  { name: "HTTP: the request's host", names: [HOST], passes: true, sni: HOST },
  { name: "HTTP: another name", names: [NOBODY], passes: false },
  { name: "HTTP: expired", names: [HOST], issued: "expired", passes: false },
  { name: "HTTP: of another authority", names: [HOST], issued: "by another authority", passes: false },
  { name: "HTTP: a wildcard above it", names: ["*.example.com"], passes: true },
  { name: "HTTP: the rule's server name", tls: { sni: "sni.example.com" }, names: ["sni.example.com"], passes: true },
  {
    name: "HTTP: the host's name, where the rule names another server",
    tls: { sni: NOBODY },
    names: [HOST],
    passes: false,
  },
  {
    name: "TCP: the rule's server name",
    tls: { sni: "sni.example.com" },
    port: bytes("TCP"),
    names: ["sni.example.com"],
    passes: true,
    sni: "sni.example.com",
  },
  {
    name: "TCP: the host's name, where the rule names another server",
    tls: { sni: NOBODY },
    port: bytes("TCP"),
    names: [HOST],
    passes: false,
  },
  {
    name: "HTTP: a name that the rule lists",
    tls: { subjectAltNames: ["a", NOBODY] },
    names: [NOBODY],
    passes: true,
    sni: HOST,
  },
  {
    name: "HTTP: the host's name, where the rule lists others",
    tls: { subjectAltNames: [NOBODY] },
    names: [HOST],
    passes: false,
  },
  {
    name: "TCP: a name that the rule lists",
    tls: { subjectAltNames: [NOBODY] },
    port: bytes("TCP"),
    names: [NOBODY],
    passes: true,
  },
  {
    name: "TCP: the host's name, where the rule lists others",
    tls: { subjectAltNames: [NOBODY] },
    port: bytes("TCP"),
    names: [HOST],
    passes: false,
  },
  {
    name: "HTTP: a name that the ServiceEntry lists",
    entry: { subjectAltNames: [NOBODY] },
    names: [NOBODY],
    passes: true,
  },
  {
    name: "HTTP: the host's name, where the ServiceEntry lists others",
    entry: { subjectAltNames: [NOBODY] },
    names: [HOST],
    passes: false,
  },
  {
    name: "TCP: an address that the rule lists",
    tls: { subjectAltNames: ["10.9.9.9"] },
    port: bytes("TCP"),
    names: ["10.9.9.9"],
    passes: true,
  },
  {
    name: "TCP: a URI that the rule lists",
    tls: { subjectAltNames: ["spiffe://td/x"] },
    port: bytes("TCP"),
    names: ["spiffe://td/x"],
    passes: true,
  },
  {
    name: "HTTP: any, where the rule wants no proof",
    tls: { insecureSkipVerify: true },
    names: [NOBODY],
    issued: "expired",
    passes: true,
    sni: HOST,
  },
  {
    name: "TCP: any, where the rule wants no proof",
    tls: { insecureSkipVerify: true },
    port: bytes("TCP"),
    names: [NOBODY],
    issued: "by another authority",
    passes: true,
  },
  {
    name: "HTTP: the host's name, with a client certificate",
    tls: { mode: "MUTUAL", ...PAIR },
    names: [HOST],
    passes: true,
  },
  {
    name: "TCP: another name, with a client certificate",
    tls: { mode: "MUTUAL", ...PAIR },
    port: bytes("TCP"),
    names: [NOBODY],
    passes: false,
  },
  {
    name: "HTTP: a host below a wildcard host",
    entryHost: `*.${HOST}`,
    authority: `a.${HOST}`,
    names: [`a.${HOST}`],
    passes: true,
    sni: `a.${HOST}`,
  },
  {
    name: "HTTP: a sibling below a wildcard host",
    entryHost: `*.${HOST}`,
    authority: `a.${HOST}`,
    names: [`b.${HOST}`],
    passes: false,
  },
  {
    name: "TCP: any name below a wildcard host",
    entryHost: `*.${HOST}`,
    port: bytes("TCP"),
    names: [`a.${HOST}`],
    passes: true,
  },
  {
    name: "TCP: a name that is not below a wildcard host",
    entryHost: `*.${HOST}`,
    port: bytes("TCP"),
    names: [NOBODY],
    passes: false,
  },
  {
    name: "HTTP: the host's name, where the request has an address for a host",
    authority: "10.88.0.1",
    entry: { addresses: ["10.88.0.1"] },
    names: [HOST],
    passes: true,
    sni: HOST,
  },
  {
    name: "HTTP: another name, where the request has an address for a host",
    authority: "10.88.0.2",
    entry: { addresses: ["10.88.0.2"] },
    names: [NOBODY],
    passes: false,
  },
];

const hostOf = (i: number): string => `case${i}.example.com`;
const at = (text: string, i: number): string => text.replaceAll(HOST, hostOf(i));

function certificate({ names, issued }: Case, i: number) {
  const own = names.map((name) => at(name, i));
  const isIp = (name: string) => /^[\d.]+$/.test(name);
  const isUri = (name: string) => name.includes("://");
  return (issued === "by another authority" ? OTHER : PUBLIC).issue({
    ips: own.filter(isIp),
    uris: own.filter(isUri),
    dns: own.filter((name) => !isIp(name) && !isUri(name)),
    ...(issued === "expired" ? EXPIRED : {}),
  });
}

function objectsOf({ tls, entry, entryHost = HOST, port = HTTP }: Case, i: number): object[] {
  const named = { metadata: { name: `case${i}`, namespace: "default" }, apiVersion: "networking.istio.io/v1" };
  const addresses = "protocol" in port && port.protocol === "HTTP" ? {} : { addresses: [`10.88.1.${i + 1}`] };
  const spec = {
    hosts: [at(entryHost, i)],
    ports: [port],
    resolution: "STATIC",
    endpoints: [{ address: `10.20.0.${i + 1}` }],
  };
  const roots = tls && "insecureSkipVerify" in tls ? {} : { caCertificates: ROOT };
  const policy = { tls: { mode: "SIMPLE", ...roots, ...tls } };
  return [
    { ...named, kind: "ServiceEntry", spec: { ...spec, ...addresses, ...entry } },
    { ...named, kind: "DestinationRule", spec: { host: at(entryHost, i), trafficPolicy: policy } },
  ];
}

/** In the mesh: pods that should speak mutual TLS, and what their certificates say. */
const IDENTITY = "spiffe://cluster.local/ns/default/sa/";
const pods: readonly (readonly [string, LabService, string])[] = ["right", "wrong", "listed"].map((name, i) => [
  name,
  host(name, {
    pods: [{ name, ip: `10.21.0.${i + 1}`, sidecar: true, serviceAccount: name === "listed" ? "x" : name }],
  }),
  `${IDENTITY}${name === "right" ? "right" : "someone"}`,
]);

describe("a TLS client of a real Envoy verifies the name of the server that it means", () => {
  let lab: Lab;
  before(async () => {
    lab = await openLab({
      proxies: { client: { kind: "captured", ip: "10.1.0.1" } },
      services: pods.map(([, service]) => service),
      upstreams: CASES.map((each, i) => ({ name: `case${i}`, at: `10.20.0.${i + 1}:443`, tls: certificate(each, i) })),
      objects: [
        ...CASES.flatMap(objectsOf),
        {
          ...{
            apiVersion: "networking.istio.io/v1",
            kind: "DestinationRule",
            metadata: { name: "listed", namespace: "default" },
          },
          spec: {
            host: "listed",
            trafficPolicy: { tls: { mode: "ISTIO_MUTUAL", subjectAltNames: [`${IDENTITY}someone`] } },
          },
        },
      ],
    });
    for (const [
      name,
      {
        pods: [pod],
      },
      uri,
    ] of pods)
      await lab.serve({ name, at: `${pod?.ip}:80`, tls: lab.ca.issue({ uris: [uri] }) });
  });
  after(async () => {
    await lab.close();
    FILES.remove();
  });

  for (const [i, each] of CASES.entries())
    it(`${each.name} ${each.passes ? "is accepted" : "is refused"}`, async () => {
      const { port = HTTP, authority = HOST, passes, sni, tls } = each;
      const call = { through: "client", timeoutMs: 5_000 };
      const answer =
        "targetPort" in port
          ? await lab.http({ ...call, url: `http://${at(authority, i)}/` })
          : await lab.tcp({ ...call, address: `10.88.1.${i + 1}`, port: 443 });
      assert.equal(answer.by, passes ? `case${i}` : "", JSON.stringify(answer));
      if (sni) assert.equal(answer.got?.tls?.sni, at(sni, i));
      if (passes) assert.equal(answer.got?.tls?.client, tls && "mode" in tls ? "DNS:client.example.com" : "");
    });

  for (const [name, , uri] of pods)
    it(`in the mesh: ${uri} is ${name === "wrong" ? "refused" : "accepted"} as ${name}`, async () => {
      const { by, got } = await lab.http({ through: "client", url: `http://${name}/` });
      assert.equal(by, name === "wrong" ? "" : name);
      if (by) assert.equal(got?.tls?.client, `URI:${IDENTITY}default`);
    });

  it("a TCP route to an HTTP port verifies the host's name too", async () => {
    const wrong = CASES.findIndex(({ name }) => name === "HTTP: another name");
    const right = CASES.findIndex(({ name }) => name === "HTTP: the request's host");
    const from = CASES.findIndex(({ name }) => name === "TCP: the host's name");
    const answers: string[] = [];
    for (const to of [wrong, right])
      await lab.during(
        [
          {
            ...{ apiVersion: "networking.istio.io/v1", kind: "VirtualService" },
            metadata: { name: "tcp", namespace: "default" },
            spec: {
              hosts: [hostOf(from)],
              tcp: [{ route: [{ destination: { host: hostOf(to), port: { number: 80 } } }] }],
            },
          },
        ],
        async () => {
          const call = { through: "client", address: `10.88.1.${from + 1}`, port: 443, timeoutMs: 5_000 };
          answers.push((await lab.tcp(call)).by);
        },
      );
    assert.deepEqual(answers, ["", `case${right}`]);
  });

  it("of a host that a route leads elsewhere, the request's host counts, as that goes into the handshake", async () => {
    const to = CASES.findIndex(({ name }) => name === "HTTP: the request's host");
    const route = (rewrite?: object) => [
      {
        ...{ apiVersion: "networking.istio.io/v1", kind: "VirtualService" },
        metadata: { name: "elsewhere", namespace: "default" },
        spec: {
          hosts: ["right"],
          http: [{ route: [{ destination: { host: hostOf(to) } }], ...(rewrite ? { rewrite } : {}) }],
        },
      },
    ];
    const get = async () => (await lab.http({ through: "client", url: "http://right/" })).by;
    assert.equal(await lab.during(route(), get), "");
    assert.equal(await lab.during(route({ authority: hostOf(to) }), get), `case${to}`);
  });
});
