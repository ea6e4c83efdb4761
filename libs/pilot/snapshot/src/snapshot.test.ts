import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { keyOf, type Resource } from "@xebec/model-resources";
import type { MeshService } from "@xebec/pilot-registry";
import { meshOf } from "./kinds/mesh-config/mesh-config.ts";
import { mixerHooksOf } from "./kinds/mixer/mixer-hooks.ts";
import { resolveGateway } from "./kinds/virtual-service/resolved.ts";
import { serviceSeenFrom } from "./services/services.ts";

describe("a reference to a Gateway", () => {
  for (const [text, resolved] of [
    ["mesh", "mesh"],
    ["web", "shop/web"],
    ["./web", "shop/web"],
    ["prod/web", "prod/web"],
    ["web.prod", "prod/web"],
    ["web.prod.svc.cluster.local", "prod/web"],
  ] as const)
    it(`${text} in namespace shop is ${resolved}`, () => assert.equal(resolveGateway(text, "shop"), resolved));
});

describe("the service that a host means", () => {
  const service = (id: string, more: Partial<MeshService> = {}): MeshService => ({
    ...{ id, host: "a.b", namespace: "other", name: "a", kubernetes: false, addresses: [], ports: [] },
    ...{ resolution: "eds", headless: false, external: false, exportTo: [], subjectAltNames: [], configKeys: [] },
    created: "2026-01-02T00:00:00Z",
    ...more,
  });
  const own = service("own", { namespace: "default" });
  const kubernetes = service("kubernetes", { kubernetes: true });
  const older = service("older", { created: "2026-01-01T00:00:00Z" });
  const hidden = service("hidden", { namespace: "prod", kubernetes: true, exportTo: ["."] });
  const named = service("named", { namespace: "prod", exportTo: ["default"] });
  for (const [name, list, expected] of [
    ["is none without any", undefined, undefined],
    ["is that of the own namespace, before Kubernetes' and before older ones", [kubernetes, older, own], "own"],
    ["is Kubernetes' of another namespace, before an older entry", [older, kubernetes], "kubernetes"],
    ["is the oldest of its like", [service("young"), older], "older"],
    ["is the first of its like when they are of one age", [service("x"), service("y")], "x"],
    ["is none that its namespace keeps to itself", [hidden, older], "older"],
    ["may be one that is exported to this namespace by name", [named], "named"],
    ["is none when no one may be seen", [hidden], undefined],
  ] as const)
    it(name, () => assert.equal(serviceSeenFrom(list, "default", [])?.id, expected));
});

describe("mesh settings", () => {
  const DOMAINS = { domain: "cluster.local", trustDomain: "td" };
  it("have defaults", () => {
    const { extensionProviders, defaultProviders, proxyConfig, ...rest } = meshOf(undefined, DOMAINS);
    assert.deepEqual(
      extensionProviders.map(({ name }) => name),
      ["prometheus", "stackdriver", "envoy"],
    );
    assert.deepEqual([defaultProviders, proxyConfig], [{ tracing: [], metrics: [], accessLogging: [] }, {}]);
    assert.deepEqual(rest, {
      ...{ pathNormalization: "BASE", trustDomainAliases: [] },
      ...{ accessLogService: false, listenerLog: true, enableTracing: true },
      ...{
        dnsRefreshMs: 60_000,
        http2: false,
        meshTls: {},
        otherTls: {},
        ownNamespaceGateways: false,
        toLocalhost: false,
      },
      exportTo: { service: [], virtualService: [], destinationRule: [] },
      ports: { outbound: 15_001, inbound: 15_006, httpProxy: 0 },
      statNames: { inbound: "", outbound: "" },
      ...{ systemNamespace: "istio-system", rootNamespace: "istio-system", trustDomain: "td", domain: "cluster.local" },
      ...{ accessLogFile: "", accessLogFormat: "", accessLogEncoding: "TEXT", connectTimeoutMs: 10_000 },
      ...{ autoMtls: true, allowAnyOutbound: true, policyCheckFailOpen: false },
      ...{
        disablePolicyChecks: false,
        disableReports: false,
        durableReports: false,
        unsupportedFields: [],
        http10: false,
      },
      jwksFetch: "istiod",
      localityLb: {},
      networks: {},
    });
  });

  it("are taken from the object", () => {
    const mesh = meshOf(
      {
        ...{ rootNamespace: "root", trustDomain: "own", connectTimeout: "1.5s", enableAutoMtls: false },
        outboundTrafficPolicy: { mode: "REGISTRY_ONLY" },
      },
      DOMAINS,
    );
    const { rootNamespace, trustDomain, connectTimeoutMs, autoMtls, allowAnyOutbound } = mesh;
    assert.deepEqual(
      [rootNamespace, trustDomain, connectTimeoutMs, autoMtls, allowAnyOutbound],
      ["root", "own", 1_500, false, false],
    );
  });
});

describe("what pilot must know of Mixer's rules", () => {
  const object = (kind: string, name: string, spec: object, namespace = "default"): Resource => ({
    ...{ group: "config.istio.io", version: "v1alpha2", kind, namespace, name, spec },
  });
  const hooksOf = (...objects: Resource[]) => mixerHooksOf(new Map(objects.map((each) => [keyOf(each), each])));
  const rule = (instances: string[], more: object = {}): Resource =>
    object("rule", "r", { match: "true", actions: [{ handler: "h", instances }], ...more });
  const nothing = object("instance", "nothing", { compiledTemplate: "checknothing" });

  for (const [reference, instance] of [
    ["nothing", nothing],
    ["nothing.default", nothing],
    ["nothing.instance.default", nothing],
    ["n.checknothing", object("checknothing", "n", {})],
    ["n.checknothing.prod", object("checknothing", "n", {}, "prod")],
    ["l.listentry", object("listentry", "l", {})],
  ] as const)
    it(`asks about requests for the instance ${reference}`, () => {
      const { policy, reports } = hooksOf(rule([reference]), instance);
      const [found] = policy.rules;
      assert.deepEqual(found && [found.key, found.match], ["config.istio.io/rule/default/r", ""]);
      assert.equal(reports, false);
    });

  it("asks about requests for a quota where one is bound to a service", () => {
    const quota = object("quota", "q", {});
    assert.deepEqual(hooksOf(rule(["q.quota"]), quota).policy.rules, []);
    assert.equal(
      hooksOf(rule(["q.quota"]), quota, object("QuotaSpecBinding", "b", { services: [{ name: "web" }] })).policy.rules
        .length,
      1,
    );
  });

  it("reports for metrics, with the headers that expressions read", () => {
    const metric = object("metric", "m", {
      dimensions: { a: 'request.headers["End-User"] | ""', b: "response.headers[`x-b`]" },
    });
    const hooks = hooksOf(rule(["m.metric"]), metric);
    assert.deepEqual(hooks, {
      ...{ policy: { rules: [], attributes: [], generated: [] }, reports: true },
      ...{ requestHeaders: ["end-user"], responseHeaders: ["x-b"] },
    });
  });

  it("asks for header operations alone", () => {
    const operations = [{ name: "x", values: ['"1"'] }];
    assert.equal(hooksOf(rule([], { actions: [], requestHeaderOperations: operations })).policy.rules.length, 1);
    assert.equal(hooksOf(rule([], { actions: [], responseHeaderOperations: operations })).policy.rules.length, 1);
  });

  it("does nothing for instances that do not exist", () => {
    assert.deepEqual(hooksOf(rule(["none", "none.metric", "a.b.c"])), hooksOf());
  });
});
