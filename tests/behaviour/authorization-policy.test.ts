import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type HttpCall, type Lab, openLab } from "./lab/lab.ts";
import { host, type LabService } from "./lab/mesh.ts";
import { object } from "./objects.ts";

const ROOT = "istio-system";
const IP = "10.1.0.10";
const GATEWAY = { istio: "ingressgateway" };
const SELECTOR = { selector: { matchLabels: { app: "web" } } };

/** A policy that each case puts in the place of the former one. */
const NAME = "case";

const ap = (name: string, spec: object, metadata: object = {}): object =>
  object("AuthorizationPolicy", name, spec, metadata);
const allow = (...rules: object[]): object => ap(NAME, { ...SELECTOR, rules });
const deny = (...rules: object[]): object => ap(NAME, { ...SELECTOR, action: "DENY", rules });
const from = (...sources: object[]): object => ({ from: sources.map((source) => ({ source })) });
const to = (...operations: object[]): object => ({ to: operations.map((operation) => ({ operation })) });
const when = (key: string, more: object): object => ({ when: [{ key, ...more }] });

/** A request or a connection that a case makes. */
interface Call extends Partial<HttpCall> {
  /** The account of the caller, `NAMESPACE/ACCOUNT`; none for plain text. */
  readonly as?: string;
  /** The trust domain of its identity. */
  readonly domain?: string;
  readonly path?: string;
  readonly host?: string;
  readonly port?: number;
  readonly sni?: string;
}

describe("AuthorizationPolicy through real Envoys", () => {
  let lab: Lab;
  const web: LabService = {
    ...{ name: "web", address: "10.98.0.1", ports: { http: 80, "http-admin": 8080, tcp: 5000 } },
    pods: [{ name: "web", ip: IP, sidecar: true, labels: { app: "web" }, serviceAccount: "web" }],
  };
  before(async () => {
    lab = await openLab({
      proxies: {
        web: { kind: "captured", ip: IP, labels: { app: "web" }, serviceAccount: "web" },
        gateway: { kind: "gateway", ip: "10.1.0.20", labels: GATEWAY },
        edge: {
          ...{ kind: "gateway", ip: "10.1.0.21" },
          labels: { ...GATEWAY, "gateway.networking.k8s.io/gateway-name": "edge" },
        },
      },
      services: [web, host("plain")],
      objects: [
        object("Gateway", "gw", {
          selector: GATEWAY,
          servers: [{ port: { number: 8000, name: "http", protocol: "HTTP" }, hosts: ["*"] }],
        }),
        object("VirtualService", "plain", {
          ...{ hosts: ["plain.example.com"], gateways: ["gw"] },
          http: [{ route: [{ destination: { host: "plain" } }] }],
        }),
      ],
    });
    for (const port of [80, 8080, 5000, 7000]) await lab.serve({ name: "web", at: `${IP}:${port}` });
  });
  after(() => lab.close());

  const certificates = new Map<string, { readonly cert: string; readonly key: string }>();
  const certificateOf = (uri: string) => {
    const own = certificates.get(uri) ?? lab.ca.issue({ uris: [uri] });
    certificates.set(uri, own);
    return own;
  };
  const wayOf = ({ as, domain = "cluster.local", sni = "x", from: source }: Call) => {
    const [namespace, account] = as?.split("/") ?? [];
    const own = as ? certificateOf(`spiffe://${domain}/ns/${namespace}/sa/${account}`) : undefined;
    return {
      ...{ to: "web", timeoutMs: 3_000 },
      ...(own ? { tls: { alpn: ["istio"], sni, ...own } } : {}),
      ...(source ? { from: source } : {}),
    };
  };
  /** Whether a request passes. */
  const passes = async (call: Call): Promise<boolean> => {
    const { as, domain, path = "/", host: name = "web", port = 80, sni, from: source, ...more } = call;
    const answer = await lab.http({ ...wayOf(call), url: `http://${name}:${port}${path}`, ...more });
    assert.ok(answer.status === 200 || answer.status === 403, `status ${answer.status} ${answer.error}`);
    if (answer.status === 403) assert.equal(answer.body, "RBAC: access denied");
    return answer.by === "web";
  };
  /** Whether a connection passes. */
  const connects = async (call: Call): Promise<boolean> =>
    (await lab.tcp({ ...wayOf(call), port: call.port ?? 5000 })).by === "web";

  /** The status of a request to a gateway. */
  const answers = async (gateway: string, more: Partial<HttpCall> = {}): Promise<number> =>
    (await lab.http({ to: gateway, url: "http://plain.example.com:8000/", ...more })).status;

  const ANYONE: Call = {};
  const A: Call = { as: "default/a" };
  const B: Call = { as: "shop/b" };

  interface Match {
    readonly name: string;
    readonly rule: object;
    readonly yes: readonly Call[];
    readonly no: readonly Call[];
  }
  const matches: readonly Match[] = [
    { name: "an empty rule matches everything", rule: {}, yes: [ANYONE, A, { path: "/x", method: "POST" }], no: [] },
    {
      name: "principals",
      rule: from({ principals: ["cluster.local/ns/default/sa/a", "*/sa/c", "cluster.local/ns/x*"] }),
      yes: [A, { as: "shop/c" }, { as: "x1/y" }],
      no: [B, ANYONE, { as: "default/ab" }, { as: "shop/a" }],
    },
    { name: "principals *", rule: from({ principals: ["*"] }), yes: [A, B], no: [ANYONE] },
    {
      name: "notPrincipals",
      rule: from({ notPrincipals: ["cluster.local/ns/default/sa/a"] }),
      yes: [B, ANYONE],
      no: [A],
    },
    { name: "requestPrincipals", rule: from({ requestPrincipals: ["*"] }), yes: [], no: [ANYONE, A] },
    { name: "notRequestPrincipals", rule: from({ notRequestPrincipals: ["*"] }), yes: [ANYONE, A], no: [] },
    { name: "namespaces", rule: from({ namespaces: ["shop", "te*"] }), yes: [B, { as: "test/x" }], no: [A, ANYONE] },
    { name: "notNamespaces", rule: from({ notNamespaces: ["shop"] }), yes: [A, ANYONE], no: [B] },
    {
      name: "serviceAccounts",
      rule: from({ serviceAccounts: ["a", "shop/b"] }),
      yes: [A, B],
      no: [ANYONE, { as: "shop/a" }, { as: "default/ab" }],
    },
    { name: "notServiceAccounts", rule: from({ notServiceAccounts: ["a"] }), yes: [B, ANYONE], no: [A] },
    {
      name: "ipBlocks",
      rule: from({ ipBlocks: ["10.7.0.1", "10.8.0.0/16"] }),
      yes: [{ from: "10.7.0.1" }, { from: "10.8.3.4" }],
      no: [{ from: "10.7.0.2" }, { from: "10.7.0.2", headers: { "x-forwarded-for": "10.7.0.1" } }],
    },
    {
      name: "notIpBlocks",
      rule: from({ notIpBlocks: ["10.8.0.0/16"] }),
      yes: [{ from: "10.7.0.1" }],
      no: [{ from: "10.8.3.4" }],
    },
    {
      name: "remoteIpBlocks",
      rule: from({ remoteIpBlocks: ["10.8.0.0/16"] }),
      yes: [{ headers: { "x-forwarded-for": "10.8.3.4" } }],
      no: [{ from: "10.8.3.4" }, { headers: { "x-forwarded-for": "10.8.3.4,10.9.0.1" } }],
    },
    {
      name: "notRemoteIpBlocks",
      rule: from({ notRemoteIpBlocks: ["10.8.0.0/16"] }),
      yes: [ANYONE],
      no: [{ headers: { "x-forwarded-for": "10.8.3.4" } }],
    },
    {
      name: "all fields of a source, and one of several sources",
      rule: from({ namespaces: ["shop"], notPrincipals: ["*/sa/b"] }, { namespaces: ["test"] }),
      yes: [{ as: "shop/c" }, { as: "test/b" }],
      no: [B, A],
    },
    {
      name: "hosts",
      rule: to({ hosts: ["a.example.com", "*.b.example.com", "c.*"] }),
      yes: [{ host: "a.example.com" }, { host: "x.b.example.com" }, { host: "c.org" }],
      no: [{ host: "example.com" }, { host: "b.example.com" }],
    },
    {
      name: "notHosts",
      rule: to({ notHosts: ["a.example.com"] }),
      yes: [{ host: "b.example.com" }],
      no: [{ host: "a.example.com" }],
    },
    { name: "ports", rule: to({ ports: ["8080"] }), yes: [{ port: 8080 }], no: [{ port: 80 }] },
    { name: "notPorts", rule: to({ notPorts: ["8080"] }), yes: [{ port: 80 }], no: [{ port: 8080 }] },
    {
      name: "methods",
      rule: to({ methods: ["GET", "P*"] }),
      yes: [{ method: "GET" }, { method: "POST" }, { method: "PUT" }],
      no: [{ method: "DELETE" }],
    },
    { name: "notMethods", rule: to({ notMethods: ["GET"] }), yes: [{ method: "POST" }], no: [{ method: "GET" }] },
    {
      name: "paths",
      rule: to({ paths: ["/a", "/b/*", "*/end"] }),
      yes: [{ path: "/a" }, { path: "/a?q=/c" }, { path: "/b/c/d" }, { path: "/x/end" }],
      no: [{ path: "/a/" }, { path: "/b" }, { path: "/c?x=/a" }, { path: "/A" }],
    },
    {
      name: "paths with templates",
      rule: to({ paths: ["/a/{*}/c", "/b/{**}", "/d/{*}/e/{**}"] }),
      yes: [{ path: "/a/1/c" }, { path: "/a/1/c?q" }, { path: "/b/1/2/3" }, { path: "/d/1/e/2/3" }],
      no: [{ path: "/a/1/2/c" }, { path: "/a//c" }, { path: "/b" }, { path: "/d/1/2/e/3" }],
    },
    {
      name: "notPaths",
      rule: to({ notPaths: ["/a", "/t/{*}"] }),
      yes: [{ path: "/b" }, { path: "/t/1/2" }],
      no: [{ path: "/a" }, { path: "/t/1" }],
    },
    {
      name: "all fields of an operation, and one of several operations",
      rule: to({ methods: ["GET"], paths: ["/a"] }, { paths: ["/b"] }),
      yes: [{ path: "/a" }, { path: "/b", method: "POST" }],
      no: [{ path: "/a", method: "POST" }],
    },
    {
      name: "from, to and when together",
      rule: {
        ...from({ namespaces: ["shop"] }),
        ...to({ paths: ["/a"] }),
        ...when("request.headers[x-k]", { values: ["1"] }),
      },
      yes: [{ ...B, path: "/a", headers: { "x-k": "1" } }],
      no: [
        { ...B, path: "/a" },
        { ...B, headers: { "x-k": "1" } },
        { path: "/a", headers: { "x-k": "1" } },
      ],
    },
    {
      name: "when request.headers values",
      rule: when("request.headers[X-Role]", { values: ["admin", "op*", "*er"] }),
      yes: ["admin", "operator", "tester"].map((role) => ({ headers: { "x-role": role } })),
      no: [ANYONE, { headers: { "x-role": "Admin" } }, { headers: { "x-role": "" } }],
    },
    {
      name: "when request.headers *",
      rule: when("request.headers[x-role]", { values: ["*"] }),
      yes: [{ headers: { "x-role": "x" } }, { headers: { "x-role": "" } }],
      no: [ANYONE],
    },
    {
      name: "when request.headers notValues",
      rule: when("request.headers[x-role]", { notValues: ["guest"] }),
      yes: [ANYONE, { headers: { "x-role": "admin" } }],
      no: [{ headers: { "x-role": "guest" } }],
    },
    {
      name: "when request.experimental.inline.headers",
      rule: when("request.experimental.inline.headers[x-role]", { values: ["admin"] }),
      yes: [{ headers: { "x-role": "guest, admin" } }, { headers: { "x-role": "admin,guest" } }],
      no: [{ headers: { "x-role": "administrator" } }],
    },
    {
      name: "when source.ip",
      rule: when("source.ip", { values: ["10.8.0.0/16"], notValues: ["10.8.0.1"] }),
      yes: [{ from: "10.8.3.4" }],
      no: [{ from: "10.8.0.1" }, { from: "10.7.0.1" }],
    },
    {
      name: "when remote.ip",
      rule: when("remote.ip", { values: ["10.8.0.0/16"] }),
      yes: [{ headers: { "x-forwarded-for": "10.8.3.4" } }],
      no: [{ from: "10.8.3.4" }],
    },
    { name: "when source.namespace", rule: when("source.namespace", { values: ["shop"] }), yes: [B], no: [A, ANYONE] },
    {
      name: "when source.principal",
      rule: when("source.principal", { values: ["cluster.local/ns/default/sa/a"] }),
      yes: [A],
      no: [B, ANYONE],
    },
    {
      name: "when source.serviceAccount",
      rule: when("source.serviceAccount", { values: ["a"], notValues: ["shop/b"] }),
      yes: [A],
      no: [B, ANYONE],
    },
    { name: "when destination.ip", rule: when("destination.ip", { values: [IP] }), yes: [ANYONE], no: [] },
    { name: "when destination.ip notValues", rule: when("destination.ip", { notValues: [IP] }), yes: [], no: [ANYONE] },
    {
      name: "when destination.port",
      rule: when("destination.port", { values: ["8080"] }),
      yes: [{ port: 8080 }],
      no: [{ port: 80 }],
    },
    {
      name: "when connection.sni",
      rule: when("connection.sni", { values: ["a.example.com", "*.b.example.com"] }),
      yes: [
        { ...A, sni: "a.example.com" },
        { ...A, sni: "x.b.example.com" },
      ],
      no: [{ ...A, sni: "c.example.com" }, ANYONE],
    },
    {
      name: "when experimental.envoy.filters of a filter that says nothing",
      rule: when("experimental.envoy.filters.http.x[k]", { values: ["v", "[w]"] }),
      yes: [],
      no: [ANYONE],
    },
  ];

  for (const { name, rule, yes, no } of matches)
    it(`${name}: in a policy that allows, and in one that denies`, async () => {
      for (const [policy, isAllow] of [
        [allow(rule), true],
        [deny(rule), false],
      ] as const) {
        await lab.apply([policy]);
        for (const call of yes) assert.equal(await passes(call), isAllow, `matches ${JSON.stringify(call)}`);
        for (const call of no) assert.equal(await passes(call), !isAllow, `matches not ${JSON.stringify(call)}`);
      }
    });

  it("goes away without a trace", async () => {
    await lab.remove([deny({})]);
    assert.ok(await passes(ANYONE));
    const dump = (await lab.envoys.get("web")?.admin("/config_dump?resource=dynamic_listeners")) ?? "";
    const { configs } = JSON.parse(dump) as { configs: { name: string; active_state: object }[] };
    const inbound = JSON.stringify(configs.find(({ name }) => name === "virtualInbound")?.active_state);
    assert.ok(inbound.includes("http_connection_manager"));
    assert.ok(!inbound.includes(".rbac"));
  });

  describe("which policies hold", () => {
    it("ALLOW without rules denies everything, DENY comes before ALLOW", async () => {
      await lab.during([ap("nothing", {})], async () => {
        assert.ok(!(await passes(ANYONE)));
        assert.ok(!(await connects(ANYONE)));
        await lab.during([ap("some", { rules: [to({ paths: ["/a", "/b"] })] })], async () => {
          assert.deepEqual([await passes({ path: "/a" }), await passes({ path: "/c" })], [true, false]);
          const not = ap("not", { action: "DENY", rules: [to({ paths: ["/a"] })] });
          await lab.during([not], async () => {
            assert.deepEqual([await passes({ path: "/a" }), await passes({ path: "/b" })], [false, true]);
          });
        });
      });
    });

    it("a policy is for the workloads that its selector names, in its own namespace; the root namespace's is for all", async () => {
      const rules = { action: "DENY", rules: [{}] };
      const other = { selector: { matchLabels: { app: "other" } } };
      for (const [policy, isFor] of [
        [ap("p", { ...rules, ...SELECTOR }), true],
        [ap("p", { ...rules, ...other }), false],
        [ap("p", rules, { namespace: "shop" }), false],
        [ap("p", rules, { namespace: ROOT }), true],
        [ap("p", { ...rules, ...SELECTOR }, { namespace: ROOT }), true],
        [ap("p", { ...rules, ...other }, { namespace: ROOT }), false],
        [ap("p", { ...rules, targetRefs: [{ kind: "Service", name: "web" }] }), false],
      ] as const)
        await lab.during([policy], async () => assert.equal(await passes(ANYONE), !isFor, JSON.stringify(policy)));
    });

    it("targetRefs: a Gateway of the Gateway API, by the label of its proxies", async () => {
      const ref = { group: "gateway.networking.k8s.io", kind: "Gateway", name: "edge" };
      for (const target of [{ targetRefs: [ref] }, { targetRef: ref }])
        await lab.during([ap("p", { action: "DENY", rules: [{}], ...target })], async () => {
          assert.deepEqual([await answers("edge"), await answers("gateway"), await passes(ANYONE)], [403, 200, true]);
        });
    });

    it("gateways: requests, by their host, and the client's address behind them", async () => {
      const selector = { selector: { matchLabels: { istio: "ingressgateway" } } };
      const rules = [{ ...to({ hosts: ["plain.example.com:*"] }), ...from({ remoteIpBlocks: ["10.8.0.0/16"] }) }];
      await lab.during([ap("p", { ...selector, rules })], async () => {
        assert.equal(await answers("gateway", { from: "10.8.0.1" }), 200);
        const spoofed = { from: "10.9.0.1", headers: { "x-forwarded-for": "10.8.0.1" } };
        assert.equal(await answers("gateway", spoofed), 403);
        assert.ok(await passes(ANYONE));
      });
    });

    it("AUDIT changes nothing", async () => {
      await lab.during([ap("audit", { action: "AUDIT", rules: [{}] })], async () => {
        assert.ok(await passes(ANYONE));
        assert.ok(await connects(ANYONE));
      });
    });

    it("a dry run is counted, without effect", async () => {
      const dry = { annotations: { "istio.io/dry-run": "true" } };
      const counters = async (): Promise<Record<string, number>> => {
        const text = (await lab.envoys.get("web")?.admin("/stats?filter=istio_dry_run_")) ?? "";
        const found = text.matchAll(/(?:_80;|http_filter\.\S+)\.rbac\.istio_dry_run_(\w+)_\.shadow_(\w+): (\d+)/g);
        return Object.fromEntries([...found].map((each) => [`${each[1]} ${each[2]}`, Number(each[3])]));
      };
      const rules = [to({ paths: ["/a"] })];
      const policies = [ap("deny", { action: "DENY", rules }, dry), ap("allow", { rules }, dry)];
      await lab.during(policies, async () => {
        for (const path of ["/a", "/b", "/b"]) assert.ok(await passes({ path }));
        assert.deepEqual(await counters(), {
          ...{ "deny denied": 1, "deny allowed": 2 },
          ...{ "allow denied": 2, "allow allowed": 1 },
        });
        // Beside one in effect.
        await lab.during([ap("real", { action: "DENY", rules: [to({ paths: ["/b"] })] })], async () => {
          assert.deepEqual([await passes({ path: "/a" }), await passes({ path: "/b" })], [true, false]);
        });
      });
    });

    it("holds for the next request of an open connection, which stays open", async () => {
      const to80 = { to: "web", url: "http://web/" };
      await lab.during([ap("p", { action: "DENY", rules: [to({ paths: ["/none"] })] })], async () => {
        const open = await lab.keepAlive(to80);
        assert.equal((await open.request()).by, "web");
        await lab.apply([ap("p", { action: "DENY", rules: [to({ paths: ["/"] })] })]);
        assert.equal((await open.request()).status, 403);
        await lab.apply([ap("p", { action: "DENY", rules: [to({ paths: ["/none"] })] })]);
        assert.equal((await open.request()).by, "web");
        await open.close();
      });
    });

    it("trust domain aliases: principals of one are principals of all", async () => {
      const mesh = (spec: object) => object("MeshConfig", "mesh", spec, { namespace: ROOT });
      const old: Call = { ...A, domain: "old.domain" };
      const name = (domain: string) => ap("p", { rules: [from({ principals: [`${domain}/ns/default/sa/a`] })] });
      await lab.during([mesh({ trustDomainAliases: ["old.domain"] }), name("cluster.local")], async () => {
        assert.deepEqual([await passes(A), await passes(old), await passes(B)], [true, true, false]);
        await lab.apply([name("old.domain")]);
        assert.deepEqual([await passes(A), await passes(old)], [true, true]);
        await lab.apply([name("elsewhere")]);
        assert.deepEqual([await passes(A), await passes(old)], [false, false]);
      });
    });
  });

  describe("connections without HTTP", () => {
    const cases: readonly (readonly [string, object, Call, boolean])[] = [
      ["an identity that may", allow(from({ principals: ["*/sa/a"] })), A, true],
      ["an identity that may not", allow(from({ principals: ["*/sa/a"] })), B, false],
      ["an identity that is denied", deny(from({ namespaces: ["shop"] })), B, false],
      ["another identity", deny(from({ namespaces: ["shop"] })), A, true],
      ["a port that may", allow(to({ ports: ["5000"] })), ANYONE, true],
      ["a port that no service has", allow(to({ ports: ["5000"] })), { port: 7000 }, false],
      ["a network", allow(from({ ipBlocks: ["10.8.0.0/16"] })), { from: "10.8.0.1" }, true],
      ["another network", allow(from({ ipBlocks: ["10.8.0.0/16"] })), { from: "10.9.0.1" }, false],
      ["what is allowed by HTTP alone is not", allow(to({ methods: ["GET"] })), ANYONE, false],
      ["a rule without HTTP counts beside one with it", allow(to({ methods: ["GET"] }), {}), ANYONE, true],
      ["what is denied by HTTP alone is denied whole", deny(to({ paths: ["/x"] })), ANYONE, false],
      [
        "what is denied by HTTP and a port is denied there",
        deny(to({ paths: ["/x"], ports: ["5000"] })),
        ANYONE,
        false,
      ],
      ["what is denied by HTTP at another port passes", deny(to({ paths: ["/x"], ports: ["80"] })), ANYONE, true],
      [
        "a condition on a header is left out of what denies",
        deny({ ...from({ namespaces: ["shop"] }), ...when("request.headers[x]", { values: ["1"] }) }),
        B,
        false,
      ],
    ];
    for (const [name, policy, call, expected] of cases)
      it(name, async () => {
        await lab.apply([policy]);
        assert.equal(await connects(call), expected);
      });
    after(() => lab.remove([deny({})]));
  });
});
