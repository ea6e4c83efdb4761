import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { type Lab, openLab } from "./lab/lab.ts";
import { host } from "./lab/mesh.ts";
import { entry, object, policy } from "./objects.ts";

/** A policy that servers can see. */
const VISIBLE = { connectionPool: { http: { h2UpgradePolicy: "UPGRADE" } } };
const HTTP = { number: 80, name: "http", protocol: "HTTP" };
const WARMUP_MS = 3_000;

describe("a DestinationRule through a real Envoy", () => {
  let lab: Lab;
  let warmSince = 0;
  const warm = host("warm");
  const warmed = host("warmed");
  before(async () => {
    const meshed = (name: string, i: number) =>
      host(name, { pods: [{ name, ip: `10.43.0.${i}`, sidecar: true, serviceAccount: name }] });
    lab = await openLab({
      proxies: {
        client: { kind: "captured", ip: "10.1.0.1", labels: { app: "client" } },
        neighbour: { kind: "captured", ip: "10.1.0.2", labels: { app: "neighbour" } },
        shopper: { kind: "captured", ip: "10.1.0.3", namespace: "shop", labels: { app: "client" } },
      },
      services: [
        ...["subsets", "own", "given", "open", "selected", "budget"].map((name) => host(name)),
        ...["header-v1", "header-v2"].map((name) => host(name, { ports: { tcp: 5000 } })),
        { ...warmed, pods: warmed.pods.slice(0, 1) },
        ...["plain", "mutual", "automatic"].map(meshed),
        host("client", { pods: [{ name: "client", ip: "10.1.0.1", sidecar: true }] }),
        { ...warm, pods: warm.pods.slice(0, 1) },
      ],
      upstreams: [
        { name: "api", at: "10.43.1.1:80" },
        { name: "container", at: "10.1.0.1:80" },
        { name: "proxy", at: "10.43.2.1:3128", tunnels: true },
      ],
      objects: [
        entry("api.example.com", { ports: [HTTP], endpoints: [{ address: "10.43.1.1" }] }),
        policy("*.example.com", VISIBLE),
        object("DestinationRule", "subsets", {
          host: "subsets",
          subsets: ["v1", "v2"].map((name) => ({ name, labels: { version: name } })),
        }),
        object("VirtualService", "subsets", {
          hosts: ["subsets"],
          http: [
            { match: [{ uri: { prefix: "/new" } }], route: [{ destination: { host: "subsets", subset: "v2" } }] },
            { route: [{ destination: { host: "subsets", subset: "v1" } }] },
          ],
        }),
        policy("own", VISIBLE, { exportTo: ["."] }),
        policy("given", VISIBLE, { exportTo: ["shop"] }),
        policy("open", VISIBLE, { exportTo: ["*"] }),
        policy("selected", VISIBLE, { workloadSelector: { matchLabels: { app: "client" } } }),
        policy("client", { connectionPool: { http: { http2MaxRequests: 1, h2UpgradePolicy: "UPGRADE" } } }),
        policy("plain", { tls: { mode: "DISABLE" } }),
        policy("mutual", { tls: { mode: "ISTIO_MUTUAL", sni: "chosen.example.com" } }),
        ...["V1", "V2"].map((version) => policy(`header-${version.toLowerCase()}`, { proxyProtocol: { version } })),
        ...(["CONNECT", "POST"] as const).flatMap((protocol, i) => [
          entry(`${protocol.toLowerCase()}.example.com`, {
            ...{ addresses: [`10.94.0.${i + 1}`], ports: [{ number: 5000, name: "tcp", protocol: "TCP" }] },
            endpoints: [{ address: "10.43.2.1", ports: { tcp: 3128 } }],
          }),
          policy(`${protocol.toLowerCase()}.example.com`, {
            tunnel: { protocol, targetHost: "behind.example.com", targetPort: 443 },
          }),
        ]),
        policy("budget", { retryBudget: { percent: 0, minRetryConcurrency: 1 } }),
        object("VirtualService", "budget", {
          hosts: ["budget"],
          http: [{ route: [{ destination: { host: "budget" } }], retries: { attempts: 1, retryOn: "5xx" } }],
        }),
        policy("warmed", {
          loadBalancer: {
            simple: "ROUND_ROBIN",
            warmup: { duration: `${WARMUP_MS / 1_000}s`, minimumPercent: 1, aggression: 1 },
          },
        }),
        policy("warm", { loadBalancer: { simple: "ROUND_ROBIN", warmupDurationSecs: `${WARMUP_MS / 1_000}s` } }),
      ],
    });
    warmSince = Date.now();
    for (const [i, name] of ["plain", "mutual", "automatic"].entries())
      await lab.serve({
        ...{ name, at: `10.43.0.${i}:80` },
        tls: lab.ca.issue({ uris: [`spiffe://cluster.local/ns/default/sa/${name}`] }),
      });
  });
  after(() => lab.close());

  const protocol = async (through: string, url: string): Promise<string | undefined> =>
    (await lab.http({ through, url })).got?.protocol;
  /** Whose requests meet the visible policy. */
  const holders = async (url: string): Promise<string> => {
    const found = [];
    for (const each of ["client", "neighbour", "shopper"])
      if ((await protocol(each, url)) === "HTTP/2") found.push(each);
    return found.join(" ");
  };

  it("host: a wildcard holds for every host below it", async () =>
    assert.equal(await protocol("client", "http://api.example.com/"), "HTTP/2"));

  it("subsets: the pods that have their labels", async () => {
    const seen = async (path: string) => {
      const found = new Set<string>();
      for (let i = 0; i < 8; i++) found.add((await lab.http({ through: "client", url: `http://subsets${path}` })).by);
      return [...found].join();
    };
    assert.deepEqual([await seen("/"), await seen("/new")], ["subsets-v1", "subsets-v2"]);
  });

  it("exportTo: `.` is the own namespace, a name that one beside it, `*` everybody", async () => {
    assert.equal(await holders("http://own.default/"), "client neighbour");
    assert.equal(await holders("http://given.default/"), "client neighbour shopper");
    assert.equal(await holders("http://open.default/"), "client neighbour shopper");
  });

  it("workloadSelector: workloads of the own namespace with these labels", async () =>
    assert.equal(await holders("http://selected.default/"), "client"));

  it("tls.mode DISABLE and ISTIO_MUTUAL, and mutual TLS without a rule", async () => {
    const tls = async (name: string) => (await lab.http({ through: "client", url: `http://${name}/` })).got?.tls;
    assert.equal(await tls("plain"), undefined);
    const client = "URI:spiffe://cluster.local/ns/default/sa/default";
    assert.deepEqual(await tls("mutual"), { sni: "chosen.example.com", alpn: "istio", client });
    const sni = "outbound_.80_._.automatic.default.svc.cluster.local";
    assert.deepEqual(await tls("automatic"), { sni, alpn: "istio", client });
  });

  it("connectionPool: holds between the server's proxy and its container, too; h2UpgradePolicy does not", async () => {
    const call = { to: "client", url: "http://client/" };
    assert.equal((await lab.http(call)).got?.protocol, "HTTP/1.1");
    const held = await lab.stream(call);
    const { status, by } = await lab.http(call);
    await held.close();
    assert.deepEqual([status, by], [503, ""]);
  });

  it("proxyProtocol.version: connections begin with PROXY's header", async () => {
    const first = async (host: string): Promise<string> =>
      (await lab.tcp({ through: "client", host, port: 5000 })).got?.body ?? "";
    assert.match(await first("header-v1"), /^PROXY TCP4 10\.\S+ 10\./);
    assert.match(await first("header-v2"), /^\r\n\r\n\0\r\nQUIT\n/);
  });

  it("tunnel: bytes go through a proxy that is asked for the target", async () => {
    for (const [method, address] of [
      ["CONNECT", "10.94.0.1"],
      ["POST", "10.94.0.2"],
    ] as const) {
      const { text } = await lab.tcp({ through: "client", address, port: 5000, send: "hello", timeoutMs: 500 });
      const { body, host: target, ...found } = JSON.parse(text);
      assert.deepEqual([found.method, target, body], [method, "behind.example.com:443", "hello"]);
    }
  });

  it("retryBudget: retries at a time are a part of the requests, and some are always allowed", async () => {
    const held = lab.http({ through: "client", url: "http://budget/", do: "503,hang", timeoutMs: 3_000 });
    const stat = async (name: string): Promise<number> => {
      const text = await lab.envoys.get("client")?.admin(`/stats?filter=budget.*upstream_${name}$`);
      return Number(text?.trim().split(": ").at(-1));
    };
    await waitFor("a retry is under way", 10_000, async () => (await stat("rq_retry")) === 1);
    assert.equal((await lab.http({ through: "client", url: "http://budget/", do: "503,200" })).status, 503);
    assert.equal(await stat("rq_retry_overflow"), 1);
    await held;
  });

  it("loadBalancer.warmup: a new pod begins with as little as minimumPercent says", async () => {
    await waitFor("the first pod is warm", 10_000, () => Date.now() - warmSince > WARMUP_MS);
    await lab.apply([], [warmed]);
    const found = [];
    for (let i = 0; i < 20; i++) found.push((await lab.http({ through: "client", url: "http://warmed/" })).by);
    assert.ok(found.filter((each) => each === "warmed-v2").length < 4, found.join());
  });

  it("loadBalancer.warmupDurationSecs: a new pod begins with little", async () => {
    await waitFor("the first pod is warm", 10_000, () => Date.now() - warmSince > WARMUP_MS);
    await lab.apply([], [warm]);
    const found = [];
    for (let i = 0; i < 20; i++) found.push((await lab.http({ through: "client", url: "http://warm/" })).by);
    const fresh = found.filter((each) => each === "warm-v2").length;
    assert.ok(fresh < 8, `${fresh} of 20`);
    const half = async (): Promise<boolean> => {
      const next = [];
      for (let i = 0; i < 10; i++) next.push((await lab.http({ through: "client", url: "http://warm/" })).by);
      return next.filter((each) => each === "warm-v2").length === 5;
    };
    await waitFor("it has its half", 10_000, half);
  });
});
