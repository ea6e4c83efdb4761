import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RouteConfigurationSchema } from "@xebec/api-envoy/envoy/config/route/v3/route";
import type { Resource } from "@xebec/model-resources";
import type { WorkloadRecord } from "@xebec/model-workloads";
import type { MeshService } from "@xebec/pilot-registry";
import type { BuiltVirtualHost } from "../build/built.ts";
import type { EncodedResource } from "../encode/encoded.ts";
import { encodeRouteConfiguration } from "../encode/route-configuration.ts";
import { encodeVirtualHost } from "../encode/virtual-host.ts";
import type { MeshProxy } from "../scope/proxy.ts";
import { workloadOf } from "../scope/workload.ts";
import { type Json, jsonOf, object, proxy, scopeOf, service, snapshotOf } from "../small-mesh.testkit.ts";
import { gatewayRouteTable } from "./gateway-route-table.ts";
import { httpProxyRouteTable, outboundRouteTable, routeTable } from "./route-table.ts";
import { domainsOf } from "./virtual-host.ts";

const REVIEWS = "reviews.default.svc.cluster.local";
const RECORDS = service("reviews");

const table = (objects: Resource[], records = RECORDS, name = "9080", client?: MeshProxy): Json =>
  jsonOf(RouteConfigurationSchema, outboundRouteTable(scopeOf(snapshotOf(objects, records), client), name).bytes);
const hostOf = (config: Json, name: string): Json => config.virtual_hosts.find((each: Json) => each.name === name);
const rule = (spec: object, more: { namespace?: string; created?: string } = {}, name = "vs"): Resource =>
  object("VirtualService", name, { hosts: ["reviews"], ...spec }, more);
const to = (host: string, more: object = {}): object => ({ destination: { host, ...more } });
/** The routes of `reviews` under one HTTP rule. */
const routes = (http: object, records: WorkloadRecord[] = RECORDS, objects: Resource[] = []): Json[] =>
  hostOf(table([rule({ http: [http] }), ...objects], records), `${REVIEWS}:9080`).routes;

describe("the names of a service", () => {
  const base: MeshService = {
    ...{ id: "", host: REVIEWS, namespace: "default", name: "reviews", kubernetes: true, addresses: ["10.96.0.1"] },
    ...{ ports: [], resolution: "eds", headless: false, external: false, exportTo: [], subjectAltNames: [] },
    ...{ created: "", configKeys: [] },
  };
  const short = ["reviews.default.svc", "reviews.default"];
  const names = [REVIEWS, `${REVIEWS}.`, ...short];
  const entry = { ...base, kubernetes: false, addresses: [] };
  for (const [name, each, namespace, expected] of [
    ["in its namespace", base, "default", [REVIEWS, `${REVIEWS}.`, "reviews", ...short, "10.96.0.1"]],
    ["elsewhere", base, "prod", [REVIEWS, `${REVIEWS}.`, ...short, "10.96.0.1"]],
    [
      "with an IPv6 address",
      { ...base, addresses: ["fd00::1"] },
      "prod",
      [REVIEWS, `${REVIEWS}.`, ...short, "[fd00::1]"],
    ],
    [
      "with a network, which is not a name",
      { ...base, addresses: ["10.0.0.0/8"] },
      "prod",
      [REVIEWS, `${REVIEWS}.`, ...short],
    ],
    [
      "of another domain",
      { ...base, host: "reviews.example" },
      "default",
      ["reviews.example", "reviews.example.", "10.96.0.1"],
    ],
    ["of an entry", { ...entry, host: "api.example.com" }, "default", ["api.example.com", "api.example.com."]],
    ["of an entry with a wildcard", { ...entry, host: "*.example.com" }, "default", ["*.example.com"]],
    [
      "of a headless one, its pods too",
      { ...base, headless: true, addresses: [] },
      "prod",
      [...names, ...names.map((each) => `*.${each}`)],
    ],
  ] as const)
    it(name, () => assert.deepEqual(domainsOf(each, namespace, "cluster.local", each.addresses), expected));
});

describe("a route table", () => {
  const scope = scopeOf(snapshotOf([]));
  const part = (name: string, domains: readonly string[]): BuiltVirtualHost => ({
    ...{ name, domains, routes: [], message: {}, configKeys: [name] },
  });
  const assemble = (name: string, parts: BuiltVirtualHost[], { ignorePort = false }): EncodedResource =>
    encodeRouteConfiguration(
      scope,
      routeTable(name, { ignorePort }),
      parts.flatMap((each) => encodeVirtualHost(scope, each, name) ?? []),
    );
  const assembled = (...parts: BuiltVirtualHost[]): unknown =>
    (jsonOf(RouteConfigurationSchema, assemble("80", parts, {}).bytes).virtual_hosts ?? []).map((each: Json) => [
      each.name,
      each.domains,
    ]);

  it("gives a domain to the first virtual host that names it, in any case", () => {
    assert.deepEqual(assembled(part("a", ["a.com", "b.com"]), part("b", ["B.com", "c.com"])), [
      ["a", ["a.com", "b.com"]],
      ["b", ["c.com"]],
    ]);
  });

  it("gives a virtual host each domain once", () => {
    const entry = { hosts: ["a.example.com"], ports: [{ number: 80, name: "http", protocol: "HTTP" }] };
    const addresses = ["10.1.0.1", "10.1.0.1/32", "10.1.0.1"];
    const config = table([object("ServiceEntry", "se", { ...entry, addresses })], [], "80");
    assert.deepEqual(hostOf(config, "a.example.com:80").domains, ["a.example.com", "a.example.com.", "10.1.0.1"]);
  });
  it("leaves out a virtual host without any domain of its own, and its configKeys", () => {
    const [first, second] = [part("a", ["a.com"]), part("b", ["A.com"])];
    assert.deepEqual(assembled(first, second), [["a", ["a.com"]]]);
    assert.deepEqual(assemble("80", [first, second], {}).configKeys, ["a"]);
  });

  it("has a version that differs with any difference, and nothing else", () => {
    const version = (name: string, parts: BuiltVirtualHost[], ignorePort = false): string =>
      assemble(name, parts, { ignorePort }).version;
    const parts = (): BuiltVirtualHost[] => [part("a", ["a.com"])];
    assert.equal(version("80", parts()), version("80", parts()));
    const versions = [
      ...[version("80", parts()), version("81", parts()), version("80", parts(), true)],
      ...[version("80", []), version("80", [part("a", ["b.com"])])],
    ];
    assert.equal(new Set(versions).size, versions.length);
  });

  it("ends with what becomes of unknown hosts", () => {
    const mesh = (mode: string): Resource =>
      object("MeshConfig", "mesh", { outboundTrafficPolicy: { mode } }, { namespace: "istio-system" });
    const last = (config: Json): Json => config.virtual_hosts.at(-1);
    assert.equal(last(table([])).routes[0].route.cluster, "PassthroughCluster");
    assert.equal(last(table([mesh("REGISTRY_ONLY")])).routes[0].direct_response.status, 502);
    const none = proxy({ INTERCEPTION_MODE: "NONE" });
    assert.equal(last(table([], RECORDS, "9080", none)).routes[0].route.cluster, "BlackHoleCluster");
  });

  it("has hosts that no registry knows at port 80 alone", () => {
    const unknown = rule({ hosts: ["legacy.example.com"], http: [{ route: [to("reviews")] }] });
    assert.ok(hostOf(table([unknown], RECORDS, "80"), "legacy.example.com:80"));
    assert.equal(hostOf(table([unknown]), "legacy.example.com:9080"), undefined);
  });

  it("names the port in the explicit proxy's table, but for port 80", () => {
    const records = [...service("reviews"), ...service("web", { ports: { http: 80 } })];
    const config = jsonOf(RouteConfigurationSchema, httpProxyRouteTable(scopeOf(snapshotOf([], records))).bytes);
    assert.ok(hostOf(config, `${REVIEWS}:9080`).domains.every((each: string) => each.endsWith(":9080")));
    const { domains } = hostOf(config, "web.default.svc.cluster.local:80");
    assert.deepEqual(
      ["web", "web:80"].filter((each) => !domains.includes(each)),
      [],
    );
    for (const each of config.virtual_hosts) assert.equal(each.routes[0].name, "tunnel");
  });
});

describe("a host that several VirtualServices want", () => {
  const named = (name: string, more: { namespace?: string; created?: string } = {}, hosts = [REVIEWS]): Resource =>
    rule({ hosts, http: [{ name, route: [to(REVIEWS)] }] }, more, name);
  const winner = (...objects: Resource[]): string => hostOf(table(objects), `${REVIEWS}:9080`).routes[0].name;

  it("belongs to the oldest", () => {
    const [old, young] = [named("old"), named("a-young", { created: "2026-02-01T00:00:00Z" })];
    assert.equal(winner(young, old), "old");
  });
  it("belongs to the first name of those of one age", () => assert.equal(winner(named("b"), named("a")), "a"));
  it("belongs to an exact host before an older wildcard", () => {
    const wide = named("wide", {}, ["*.default.svc.cluster.local"]);
    assert.equal(winner(wide, named("exact", { created: "2026-02-01T00:00:00Z" })), "exact");
    assert.equal(winner(wide), "wide");
  });
  it("does not belong to one that its namespace keeps to itself", () => {
    const hidden = rule({ hosts: [REVIEWS], exportTo: ["."], http: [{ name: "x" }] }, { namespace: "prod" });
    assert.equal(winner(hidden), "default");
  });
  it("does not belong to one for gateways alone", () => {
    assert.equal(winner(rule({ hosts: [REVIEWS], gateways: ["web"], http: [{ name: "x" }] })), "default");
  });
});

describe("the destinations of a rule", () => {
  const cluster = (host: string, subset = "", port = 9080): string =>
    `outbound|${port}|${subset}|${host}.default.svc.cluster.local`;
  const weighted = (http: object): unknown =>
    routes(http)[0].route.weighted_clusters?.clusters.map((each: Json) => [each.name, each.weight ?? 0]);

  it("keep weights that do not sum to 100: Envoy takes their sum", () => {
    const route = [
      { ...to("reviews", { subset: "v1" }), weight: 3 },
      { ...to("reviews", { subset: "v2" }), weight: 1 },
    ];
    assert.deepEqual(weighted({ route }), [
      [cluster("reviews", "v1"), 3],
      [cluster("reviews", "v2"), 1],
    ]);
  });
  it("lose those without weight", () => {
    const route = [{ ...to("reviews", { subset: "v1" }), weight: 5 }, to("reviews", { subset: "v2" })];
    assert.equal(routes({ route })[0].route.cluster, cluster("reviews", "v1"));
  });
  it("lead nowhere when none has a weight", () => {
    const route = [to("reviews", { subset: "v1" }), to("reviews", { subset: "v2" })];
    assert.equal(routes({ route })[0].route.cluster, "BlackHoleCluster");
  });
  it("are one whatever its weight", () => {
    assert.equal(routes({ route: [{ ...to("reviews"), weight: 0 }] })[0].route.cluster, cluster("reviews"));
  });
  it("with headers of its own is one cluster all the same", () => {
    const route = [{ ...to("reviews"), headers: { request: { set: { a: "b" } } } }];
    assert.equal(routes({ route })[0].route.cluster, cluster("reviews"));
  });

  for (const [name, destination, ports, expected] of [
    ["named port", { port: { number: 7000 } }, { http: 9080 }, 7000],
    ["only port of the service", {}, { http: 8000 }, 8000],
    ["port that was called, when the service has it", {}, { http: 8000, "http-b": 9080 }, 9080],
    ["HTTP port, when the service has not the one that was called", {}, { "tcp-a": 7000, "http-b": 8000 }, 8000],
    ["port that was called, when no port speaks HTTP", {}, { "tcp-a": 7000, "tcp-b": 8000 }, 9080],
  ] as const)
    it(`go to the ${name}`, () => {
      const records = [...RECORDS, ...service("other", { ports })];
      assert.equal(
        routes({ route: [to("other", destination)] }, records)[0].route.cluster,
        cluster("other", "", expected),
      );
    });

  it("go to the port that was called when the service is not known", () => {
    assert.equal(routes({ route: [to("nobody")] })[0].route.cluster, cluster("nobody"));
  });

  it("are chosen by the hash of the port that they go to", () => {
    const records = [...RECORDS, ...service("other", { ports: { http: 8000 } })];
    const hashed = object("DestinationRule", "h", {
      host: "other",
      trafficPolicy: {
        portLevelSettings: [{ port: { number: 8000 }, loadBalancer: { consistentHash: { useSourceIp: true } } }],
      },
    });
    const [route] = routes({ route: [to("other")] }, records, [hashed]);
    assert.deepEqual(route.route.hash_policy, [{ connection_properties: { source_ip: true } }]);
  });
});

describe("the time-out of a route", () => {
  for (const [timeout, expected] of [
    [undefined, "0s"],
    ["0s", "0s"],
    ["1.5s", "1.500s"],
  ] as const)
    it(`${timeout} is ${expected}`, () => {
      const { route } = routes({ route: [to("reviews")], ...(timeout ? { timeout } : {}) })[0];
      assert.equal(route.timeout, expected);
      assert.equal(route.max_grpc_timeout, expected);
    });
});

describe("the rules of a VirtualService", () => {
  const http = (...list: object[]): Json[] => hostOf(table([rule({ http: list })]), `${REVIEWS}:9080`).routes;

  it("end with the first that takes every request", () => {
    const list = http({ name: "a", match: [{ uri: { prefix: "/a" } }, {}], route: [to("reviews")] }, { name: "b" });
    assert.deepEqual(
      list.map((each) => each.match),
      [{ prefix: "/a" }, { prefix: "/" }],
    );
  });
  it("that do not apply leave the service's own route", () => {
    assert.deepEqual(
      http({ match: [{ port: 1 }], route: [to("reviews")] }).map((each) => each.name),
      ["default"],
    );
  });
});

describe("the route table of a gateway", () => {
  const router = proxy({ LABELS: { istio: "ingress" } }, "router~10.0.0.9~gw.istio-system~x");
  const gateway = (hosts: string[], more: object = {}): Resource =>
    object("Gateway", "web", {
      selector: { istio: "ingress" },
      servers: [{ port: { number: 80, name: "http", protocol: "HTTP" }, hosts, ...more }],
    });
  const virtual = (name: string, hosts: string[], http: object[], created = "2026-01-01T00:00:00Z"): Resource =>
    object("VirtualService", name, { hosts, gateways: ["web"], http }, { created });
  const hosts = (...objects: Resource[]): Json[] => {
    const scope = scopeOf(snapshotOf(objects, RECORDS), router);
    return jsonOf(RouteConfigurationSchema, gatewayRouteTable(scope, "http.80", workloadOf(scope, router)).bytes)
      .virtual_hosts;
  };
  const all = [{ name: "all", route: [to("reviews")] }];

  for (const [server, own, expected] of [
    ["*", "shop.com", ["shop.com"]],
    ["*.shop.com", "a.shop.com", ["a.shop.com"]],
    ["a.shop.com", "*.shop.com", ["a.shop.com"]],
    ["default/*", "shop.com", ["shop.com"]],
    ["./*", "shop.com", ["shop.com"]],
    ["*/shop.com", "shop.com", ["shop.com"]],
    ["prod/*", "shop.com", ["*"]],
    ["bank.com", "shop.com", ["*"]],
  ] as const)
    it(`serves ${own} behind the server's host ${server} as ${expected}`, () => {
      assert.deepEqual(
        hosts(gateway([server]), virtual("vs", [own], all)).flatMap((each) => each.domains),
        expected,
      );
    });

  it("puts the catch-alls of one host behind all specific routes", () => {
    const young = virtual(
      "young",
      ["shop.com"],
      [{ name: "api", match: [{ uri: { prefix: "/api" } }], route: [to("reviews")] }],
      "2026-02-01T00:00:00Z",
    );
    const [host] = hosts(gateway(["*"]), virtual("old", ["shop.com"], all), young);
    assert.deepEqual(
      host.routes.map((each: Json) => each.name),
      ["api", "all"],
    );
  });

  it("redirects to HTTPS also hosts that nobody routes", () => {
    const [host] = hosts(gateway(["shop.com"], { tls: { httpsRedirect: true } }));
    assert.deepEqual([host.domains, host.require_tls], [["shop.com"], "ALL"]);
  });
});
