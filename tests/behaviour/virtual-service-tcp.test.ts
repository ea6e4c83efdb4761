// What a VirtualService says of connections: `tcp` and `tls`.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createTestCa } from "@xebec/testing-launch";
import { object, PROXIES, to, versions, virtualService } from "./lab/cases.ts";
import { type Lab, openLab } from "./lab/lab.ts";
import { host, type LabService } from "./lab/mesh.ts";

/** Nobody verifies it here. */
const certificate = createTestCa().issue({ dns: ["any.example.com"] });
/** A TCP service on port 9000 with two versions, and another port that leads to the same servers. */
const tcp = (name: string, more: Partial<LabService> = {}): LabService =>
  host(name, { ports: { tcp: 9000, "tcp-alt": 9001 }, ...more });
const tls = (name: string): LabService => host(name, { ports: { tls: 443, "tls-alt": 444 } });

const NAMES = ["plain", "weighted", "port", "labels", "namespace", "gateways", "ports"];
const [plain, weighted, port, labels, namespace, gateways, ports] = NAMES.map((name) => tcp(`tcp-${name}`));
const target = tcp("target");
const TLS_NAMES = ["sni", "tlsport", "tlslabels", "tlsnamespace", "tlsgateways", "tlsweighted"];
const tlsServices = TLS_NAMES.map(tls);
const services = [plain, weighted, port, labels, namespace, gateways, ports, target, ...tlsServices].filter(
  (each) => each !== undefined,
);

const full = (name: string): string => `${name}.default.svc.cluster.local`;
/** Rules of a kind for `name`: what matches goes to v2, all else to v1; `others` names what else there is to match. */
const rules = (kind: "tcp" | "tls", name: string, match: object, others: object = {}): object[] => {
  const sni = kind === "tls" ? { sniHosts: [full(name)] } : {};
  return [
    versions(name, { exportTo: ["*"] }),
    object("VirtualService", name, {
      hosts: [full(name)],
      [kind]: [
        { match: [{ ...sni, ...match }], route: [to(name, "v2")] },
        { match: [{ ...sni, ...others }], route: [to(name, "v1")] },
        ...(Object.keys(others).length > 0 ? [{ match: [sni], route: [to(name, "v2")] }] : []),
      ],
    }),
  ];
};
/** A service outside of the mesh that has two networks: one of them leads to v2. */
const networks = (kind: "tcp" | "tls", number: number, octet: number): object[] => {
  const name = `${kind}.networks.example.com`;
  const sni = kind === "tls" ? { sniHosts: [name] } : {};
  return [
    object("ServiceEntry", name, {
      hosts: [name],
      addresses: [`10.${octet}.0.0/16`, `10.${octet + 1}.0.0/16`],
      ports: [{ number, name: kind, protocol: kind.toUpperCase() }],
      resolution: "STATIC",
      endpoints: ["v1", "v2"].map((version, i) => ({ address: `10.${octet + 2}.0.${i + 1}`, labels: { version } })),
    }),
    versions(name),
    object("VirtualService", name, {
      hosts: [name],
      [kind]: [
        { match: [{ ...sni, destinationSubnets: [`10.${octet}.0.0/16`] }], route: [to(name, "v2")] },
        { match: [sni], route: [to(name, "v1")] },
      ],
    }),
  ];
};

const OBJECTS = [
  versions("target", { exportTo: ["*"] }),
  virtualService("tcp-plain", {
    tcp: [{ route: [{ destination: { host: "target", subset: "v2", port: { number: 9001 } } }] }],
  }),
  versions("tcp-weighted"),
  virtualService("tcp-weighted", {
    tcp: [
      {
        route: [
          { ...to("tcp-weighted", "v1"), weight: 1 },
          { ...to("tcp-weighted", "v2"), weight: 3 },
        ],
      },
    ],
  }),
  ...rules("tcp", "tcp-port", { port: 9001 }),
  ...rules("tcp", "tcp-labels", { sourceLabels: { app: "other" } }),
  ...rules("tcp", "tcp-namespace", { sourceNamespace: "prod" }),
  ...rules("tcp", "tcp-gateways", { gateways: ["some-gateway"] }, { gateways: ["mesh"] }),
  virtualService("tcp-ports", {
    tcp: [{ match: [{ port: 9000 }], route: [{ destination: { host: "target", port: { number: 9000 } } }] }],
  }),
  versions("sni"),
  object("VirtualService", "sni", {
    hosts: [full("sni"), "*.sni.example.com"],
    tls: [
      { match: [{ sniHosts: ["*.sni.example.com"] }], route: [to("sni", "v2")] },
      {
        match: [{ sniHosts: [full("sni")] }],
        route: [{ destination: { host: "sni", subset: "v1", port: { number: 443 } } }],
      },
    ],
  }),
  ...rules("tls", "tlsport", { port: 444 }),
  ...rules("tls", "tlslabels", { sourceLabels: { app: "other" } }),
  ...rules("tls", "tlsnamespace", { sourceNamespace: "prod" }),
  ...rules("tls", "tlsgateways", { gateways: ["some-gateway"] }, { gateways: ["mesh"] }),
  versions("tlsweighted"),
  object("VirtualService", "tlsweighted", {
    hosts: [full("tlsweighted")],
    tls: [
      {
        match: [{ sniHosts: [full("tlsweighted")] }],
        route: [
          { ...to("tlsweighted", "v1"), weight: 1 },
          { ...to("tlsweighted", "v2"), weight: 3 },
        ],
      },
    ],
  }),
  ...networks("tcp", 9000, 50),
  ...networks("tls", 443, 60),
];

describe("a VirtualService's connections", () => {
  let lab: Lab;
  before(async () => {
    lab = await openLab({
      proxies: {
        ...PROXIES,
        other: { kind: "captured", ip: "10.1.0.11", labels: { app: "other" } },
        prod: { kind: "captured", ip: "10.1.0.12", namespace: "prod" },
      },
      services,
      objects: OBJECTS,
    });
    for (const { pods } of tlsServices)
      for (const pod of pods)
        for (const number of [443, 444])
          await lab.serve({
            ...{ name: pod.name, at: `${pod.ip}:${number}` },
            tls: certificate,
          });
  });
  after(() => lab?.close());

  const by = async (name: string, more: { through?: string; port?: number; address?: string } = {}): Promise<string> =>
    (await lab.tcp({ through: "client", host: name, port: 9000, ...more })).by;
  const byTls = async (
    name: string,
    { sni = full(name), ...more }: { through?: string; sni?: string; port?: number; address?: string } = {},
  ): Promise<string> =>
    (await lab.tcp({ through: "client", host: name, port: 443, tls: { sni }, send: "hello\n", ...more })).by;

  it("tcp: a destination is a host, a version of it, and a port", async () => {
    await lab.serve({ name: "target-v2 at 9001", at: `${target.pods[1]?.ip}:9001` });
    assert.equal(await by("tcp-plain"), "target-v2 at 9001");
  });
  it("tcp: weights share connections out", async () => {
    const found = await Promise.all(Array.from({ length: 60 }, () => by("tcp-weighted")));
    const v2 = found.filter((each) => each === "tcp-weighted-v2").length;
    // 60 times three quarters: outside of 25 to 59 once in 10^7 runs.
    assert.ok(v2 > 24 && v2 < 60, `${v2} of 60`);
  });
  it("tcp: destinationSubnets", async () => {
    for (const [octet, version] of [
      [50, "v2"],
      [51, "v1"],
    ] as const) {
      await lab.serve({ name: version, at: `10.52.0.${version.slice(1)}:9000` });
      assert.equal(await by("x", { address: `10.${octet}.7.7` }), version);
    }
  });
  it("tcp: port", async () => {
    assert.equal(await by("tcp-port"), "tcp-port-v1");
    assert.equal(await by("tcp-port", { port: 9001 }), "tcp-port-v2");
  });
  it("tcp: sourceLabels", async () => {
    assert.equal(await by("tcp-labels"), "tcp-labels-v1");
    assert.equal(await by("tcp-labels", { through: "other" }), "tcp-labels-v2");
  });
  it("tcp: sourceNamespace", async () => {
    assert.equal(await by("tcp-namespace"), "tcp-namespace-v1");
    assert.equal(await by("tcp-namespace", { through: "prod" }), "tcp-namespace-v2");
  });
  it("tcp: gateways", async () => assert.equal(await by("tcp-gateways"), "tcp-gateways-v1"));
  it("tcp: a port that no rule is for keeps its own service", async () => {
    assert.match(await by("tcp-ports"), /^target-/);
    assert.match(await by("tcp-ports", { port: 9001 }), /^tcp-ports-/);
  });

  it("tls: sniHosts, also with a wildcard", async () => {
    assert.equal(await byTls("sni"), "sni-v1");
    assert.equal(await byTls("sni", { sni: "a.sni.example.com" }), "sni-v2");
  });
  it("tls: destinationSubnets", async () => {
    const sni = "tls.networks.example.com";
    for (const [octet, version] of [
      [60, "v2"],
      [61, "v1"],
    ] as const) {
      await lab.serve({ name: version, at: `10.62.0.${version.slice(1)}:443`, tls: certificate });
      assert.equal(await byTls("x", { sni, address: `10.${octet}.7.7` }), version);
    }
  });
  it("tls: port", async () => {
    assert.equal(await byTls("tlsport"), "tlsport-v1");
    assert.equal(await byTls("tlsport", { port: 444 }), "tlsport-v2");
  });
  it("tls: sourceLabels", async () => {
    assert.equal(await byTls("tlslabels"), "tlslabels-v1");
    assert.equal(await byTls("tlslabels", { through: "other" }), "tlslabels-v2");
  });
  it("tls: sourceNamespace", async () => {
    assert.equal(await byTls("tlsnamespace"), "tlsnamespace-v1");
    assert.equal(await byTls("tlsnamespace", { through: "prod" }), "tlsnamespace-v2");
  });
  it("tls: gateways", async () => assert.equal(await byTls("tlsgateways"), "tlsgateways-v1"));
  it("tls: weights share connections out", async () => {
    const found = await Promise.all(Array.from({ length: 40 }, () => byTls("tlsweighted")));
    const v2 = found.filter((each) => each === "tlsweighted-v2").length;
    // 40 times three quarters: outside of 14 to 39 once in 10^5 runs, and all of one version once in 10^5.
    assert.ok(v2 > 12 && v2 < 40, `${v2} of 40`);
  });
});
