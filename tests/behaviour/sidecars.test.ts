// What a Sidecar says: which ports its workloads serve, and whom they call.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { type Answered, type HttpCall, type Lab, openLab } from "./lab/lab.ts";
import { host, type LabService } from "./lab/mesh.ts";
import { object } from "./objects.ts";

const IP = { app: "10.1.0.30", other: "10.1.0.31", shop: "10.1.0.32", served: "10.1.0.33" };
const full = (name: string, namespace = "default"): string => `${name}.${namespace}.svc.cluster.local`;
const sidecar = (
  spec: object,
  { name = "own", namespace = "default", created = "2026-01-01T00:00:00Z" } = {},
): object => object("Sidecar", name, spec, { namespace, creationTimestamp: created });
const APP = { workloadSelector: { labels: { app: "app" } } };
const SERVED = { workloadSelector: { labels: { app: "served" } } };
const REFUSED = { outboundTrafficPolicy: { mode: "REGISTRY_ONLY" } };
const http = (number: number): object => ({ number, protocol: "HTTP" });

const near = host("near");
const far = host("far");
const bytes = host("bytes", { ports: { tcp: 9100 } });
const many = host("many", { ports: { http: 80, "http-admin": 9080 } });
const forward = host("forward", { ports: { http: 3128 } });
const goods = host("goods", { namespace: "shop" });
const served: LabService = {
  ...{ name: "served", address: "10.98.1.1", ports: { http: 80, tcp: 5000 } },
  pods: [{ name: "served-1", ip: IP.served, sidecar: true, labels: { app: "served" }, serviceAccount: "served" }],
};

describe("Sidecar through real Envoys", () => {
  let lab: Lab;
  before(async () => {
    lab = await openLab({
      proxies: {
        app: { kind: "captured", ip: IP.app, labels: { app: "app", version: "v1" } },
        other: { kind: "captured", ip: IP.other, labels: { app: "other" } },
        shop: { kind: "captured", ip: IP.shop, namespace: "shop", labels: { app: "app" } },
        served: { kind: "captured", ip: IP.served, labels: { app: "served" }, serviceAccount: "served" },
        explicit: { kind: "explicit", ip: "127.20.1.9", app: "127.20.2.9", labels: { app: "explicit" } },
      },
      services: [near, far, bytes, many, forward, goods, served],
    });
    for (const port of [80, 5000, 7000, 8080])
      await lab.serve({ name: `container-${port}`, at: `${IP.served}:${port}` });
    await lab.serve({ name: "container-local", at: "127.0.0.1:8081" });
    await lab.serve({ name: "container-socket", at: lab.folder.file("app.sock") });
  });
  after(() => lab.close());

  const call = (through: string, url: string, more: Partial<HttpCall> = {}): Promise<Answered> =>
    lab.http({ through, url, timeoutMs: 5_000, ...more });
  const inbound = (url: string, more: Partial<HttpCall> = {}): Promise<Answered> =>
    lab.http({ to: "served", url, timeoutMs: 5_000, ...more });
  /** Which of the hosts a proxy reaches. */
  const reached = async (through: string, ...names: string[]): Promise<string> => {
    const found = await Promise.all(names.map((name) => call(through, `http://${name}/`)));
    return names.filter((_, i) => found[i]?.status === 200).join(" ");
  };
  const ALL = ["near", "far", "goods.shop"];

  it("egress.hosts: namespaces, domains and names", async () => {
    for (const [hosts, expected] of [
      [["*/*"], "near far goods.shop"],
      [["./*"], "near far"],
      [["shop/*"], "goods.shop"],
      [["~/*"], ""],
      [[`*/${full("near")}`, `shop/${full("goods", "shop")}`], "near goods.shop"],
      [[`./*.default.svc.cluster.local`], "near far"],
      [["*/*.shop.svc.cluster.local"], "goods.shop"],
      [[`shop/${full("near")}`], ""],
    ] as const)
      await lab.during([sidecar({ ...APP, ...REFUSED, egress: [{ hosts }] })], async () => {
        assert.equal(await reached("app", ...ALL), expected, hosts.join());
        assert.equal(await reached("other", "near", "far"), "near far");
      });
  });

  it("workloadSelector, then the namespace, then the root namespace, and the oldest of several", async () => {
    const only = (name: string): object => ({ ...REFUSED, egress: [{ hosts: [`*/${name}`] }] });
    const root = sidecar(only(full("near")), { namespace: "istio-system", name: "root" });
    const own = sidecar(only(full("far")), { name: "namespace" });
    const younger = sidecar(only(full("near")), { name: "younger", created: "2026-02-01T00:00:00Z" });
    const selected = sidecar({ ...APP, ...only(full("goods", "shop")) }, { name: "selected" });
    await lab.during([root], async () => {
      for (const proxy of ["app", "shop"])
        assert.equal(await reached(proxy, "near.default", "far.default"), "near.default");
      await lab.during([own, younger], async () => {
        assert.equal(await reached("app", ...ALL), "far");
        assert.equal(await reached("shop", "near.default", "far.default"), "near.default");
        await lab.during([selected], async () => {
          assert.equal(await reached("app", ...ALL), "goods.shop");
          assert.equal(await reached("other", ...ALL), "far");
        });
      });
    });
  });

  it("a VirtualService that is covered brings the services to which it leads, and one that is not has no effect", async () => {
    const rule = object("VirtualService", "to-far", {
      hosts: ["near"],
      http: [{ route: [{ destination: { host: "far" } }] }],
    });
    const foreign = object(
      "VirtualService",
      "foreign",
      { hosts: [full("near")], http: [{ directResponse: { status: 418 } }] },
      { namespace: "shop" },
    );
    await lab.during([sidecar({ ...APP, ...REFUSED, egress: [{ hosts: [`./${full("near")}`] }] })], async () => {
      await lab.during([rule], async () => assert.match((await call("app", "http://near/")).by, /^far/));
      await lab.during([foreign], async () => {
        assert.match((await call("app", "http://near/")).by, /^near/);
        assert.equal((await call("other", "http://near/")).status, 418);
      });
    });
  });

  it("egress.port: its listener serves that port alone, as the protocol that it says", async () => {
    const egress = [{ port: http(9080), hosts: [`./${full("many")}`] }, { hosts: [`./${full("near")}`] }];
    await lab.during([sidecar({ ...APP, ...REFUSED, egress })], async () => {
      assert.match((await call("app", "http://many:9080/")).by, /^many/);
      assert.equal(await reached("app", "many", "near"), "near");
    });
  });

  it("egress.bind and egress.captureMode NONE: clients call the proxy at an address of its own", async () => {
    const egress = [
      {
        port: { ...http(9080), name: "http-own" },
        bind: "127.0.0.8",
        captureMode: "NONE",
        hosts: [`./${full("many")}`],
      },
      { port: { number: 9100, protocol: "TCP" }, captureMode: "NONE", hosts: [`./${full("bytes")}`] },
      { hosts: ["./*"] },
    ];
    await lab.during([sidecar({ ...APP, egress })], async () => {
      assert.match((await lab.http({ at: "127.0.0.8:9080", url: "http://many:9080/" })).by, /^many/);
      assert.notEqual((await lab.http({ at: "127.0.0.8:9080", url: "http://nobody/" })).status, 200);
      assert.match((await lab.tcp({ at: "127.0.0.1:9100", port: 9100 })).by, /^bytes/);
    });
    await lab.during([sidecar({ workloadSelector: { labels: { app: "explicit" } }, egress })], async () => {
      assert.match((await lab.http({ at: "127.0.0.8:9080", url: "http://many:9080/" })).by, /^many/);
      assert.equal((await call("explicit", "http://near/")).status, 200);
    });
  });

  it("egress.bind with traffic capture: connections to that address", async () => {
    const egress = [
      { port: http(9080), bind: "10.99.9.9", captureMode: "IPTABLES", hosts: [`./${full("many")}`] },
      { hosts: ["~/*"] },
    ];
    await lab.during([sidecar({ ...APP, ...REFUSED, egress })], async () => {
      assert.match((await call("app", "http://many:9080/", { address: "10.99.9.9" })).by, /^many/);
      assert.equal((await call("app", "http://many:9080/")).by, "");
    });
  });

  it("egress.bind at a Unix socket", async () => {
    const socket = lab.folder.file("egress.sock");
    const egress = [{ port: http(0), bind: `unix://${socket}`, hosts: ["./*"] }, { hosts: ["~/*"] }];
    await lab.during([sidecar({ ...APP, egress })], async () => {
      assert.match((await lab.http({ at: socket, url: "http://near/" })).by, /^near/);
      assert.match((await lab.http({ at: socket, url: "http://many:9080/" })).by, /^many/);
    });
  });

  it("outboundTrafficPolicy.mode", async () => {
    const unknown = { address: `${near.pods[0]?.ip}` };
    for (const [mode, status] of [
      ["ALLOW_ANY", 200],
      ["REGISTRY_ONLY", 502],
    ] as const)
      await lab.during([sidecar({ ...APP, outboundTrafficPolicy: { mode } })], async () => {
        assert.equal((await call("app", "http://nobody.example.com/", unknown)).status, status);
        assert.equal((await call("app", "http://near/")).status, 200);
      });
  });

  it("outboundTrafficPolicy.egressProxy takes what would be passed through", async () => {
    const egressProxy = { host: full("forward"), port: { number: 3128 } };
    const subsets = object("DestinationRule", "forward", {
      host: full("forward"),
      subsets: [{ name: "second", labels: { version: "v2" } }],
    });
    const spec = { ...APP, egress: [{ hosts: ["~/*"] }] };
    await lab.during(
      [subsets, sidecar({ ...spec, outboundTrafficPolicy: { mode: "ALLOW_ANY", egressProxy } })],
      async () => {
        assert.match((await call("app", "http://nobody.example.com/")).by, /^forward/);
        assert.match((await lab.tcp({ through: "app", host: "x", address: "10.255.1.1", port: 4444 })).by, /^forward/);
      },
    );
    const second = { mode: "ALLOW_ANY", egressProxy: { ...egressProxy, subset: "second" } };
    await lab.during([subsets, sidecar({ ...spec, outboundTrafficPolicy: second })], async () => {
      for (let i = 0; i < 4; i++) assert.equal((await call("app", "http://nobody.example.com/")).by, "forward-v2");
    });
  });

  it("ingress.port: it alone is a service's port, and ingress.defaultEndpoint says where the workload listens", async () => {
    const endpoint = (number: number, defaultEndpoint?: string): object => ({
      ...{ port: { ...http(number), name: `http-${number}` } },
      ...(defaultEndpoint ? { defaultEndpoint } : {}),
    });
    const ingress = [
      endpoint(80),
      endpoint(8001, "127.0.0.1:8081"),
      endpoint(8002, "0.0.0.0:8080"),
      endpoint(8003, `unix://${lab.folder.file("app.sock")}`),
    ];
    await lab.during([sidecar({ ...SERVED, ingress })], async () => {
      const by = async (port: number) => (await inbound(`http://served:${port}/`)).by;
      assert.deepEqual(
        [await by(80), await by(8001), await by(8002), await by(8003), await by(7000)],
        ["container-80", "container-local", "container-8080", "container-socket", "container-7000"],
      );
    });
  });

  it("ingress.bind and ingress.captureMode NONE: a port of the proxy's own", async () => {
    const ingress = [{ port: http(8090), bind: "127.0.0.7", captureMode: "NONE", defaultEndpoint: "127.0.0.1:8081" }];
    await lab.during([sidecar({ ...SERVED, ingress })], async () => {
      assert.equal((await lab.http({ at: "127.0.0.7:8090", url: "http://served/" })).by, "container-local");
    });
  });

  const POOL = { tcp: { maxConnections: 1 }, http: { http1MaxPendingRequests: 1 } };
  for (const [name, spec] of [
    ["inboundConnectionPool", { inboundConnectionPool: POOL }],
    [
      "ingress.connectionPool before inboundConnectionPool",
      { ingress: [{ port: http(80), connectionPool: POOL }], inboundConnectionPool: { tcp: { maxConnections: 100 } } },
    ],
  ] as const)
    it(name, async () => {
      const refused = async (): Promise<boolean> => {
        const all = Array.from({ length: 6 }, () => inbound("http://served/", { do: "delay:300" }));
        return (await Promise.all(all)).some(({ status }) => status === 503);
      };
      assert.equal(await refused(), false);
      await lab.during([sidecar({ ...SERVED, ...spec })], async () => assert.equal(await refused(), true));
    });

  it("ingress.tls: the proxy terminates TLS of clients outside of the mesh where mutual TLS is off", async () => {
    const own = lab.ca.issue({ dns: ["served.example.com"] });
    const caller = lab.ca.issue({ dns: ["caller.example.com"] });
    const file = (name: string, text: string): string => {
      writeFileSync(lab.folder.file(name), text);
      return lab.folder.file(name);
    };
    const files = { serverCertificate: file("own.pem", own.cert), privateKey: file("own.key", own.key) };
    const caCertificates = file("ca.pem", lab.ca.cert);
    const off = object("PeerAuthentication", "off", {
      selector: { matchLabels: { app: "served" } },
      mtls: { mode: "DISABLE" },
    });
    const ingress = (tls: object): object[] => [
      { port: { number: 443, protocol: "HTTPS" }, defaultEndpoint: "127.0.0.1:8081", tls },
    ];
    const asked = (more: object = {}): Promise<Answered> =>
      inbound("http://served:443/", { tls: { sni: "x", ...more } });
    await lab.during([off, sidecar({ ...SERVED, ingress: ingress({ mode: "SIMPLE", ...files }) })], async () => {
      assert.equal((await asked()).by, "container-local");
      assert.equal((await inbound("http://served:443/")).by, "");
    });
    const mutual = {
      mode: "MUTUAL",
      ...files,
      caCertificates,
      minProtocolVersion: "TLSV1_2",
      maxProtocolVersion: "TLSV1_2",
    };
    const cipherSuites = ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"];
    await lab.during([off, sidecar({ ...SERVED, ingress: ingress({ ...mutual, cipherSuites }) })], async () => {
      assert.equal((await asked()).by, "");
      assert.equal((await asked(caller)).by, "container-local");
    });
  });
});
