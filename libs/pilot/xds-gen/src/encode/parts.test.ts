import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RouteConfigurationSchema } from "@xebec/api-envoy/envoy/config/route/v3/route";
import type { Resource } from "@xebec/model-resources";
import type { BuiltVirtualHost } from "../build/built.ts";
import { Generator } from "../engine/generator.ts";
import type { XdsType } from "../engine/resource-types.ts";
import type { MeshProxy } from "../scope/proxy.ts";
import { jsonOf, object, proxy, scopeOf, service, snapshotOf } from "../small-mesh.testkit.ts";
import type { EncodedResource, ResourcePart } from "./encoded.ts";
import { encodeRouteConfiguration } from "./route-configuration.ts";
import { encodeVirtualHost } from "./virtual-host.ts";

const RECORDS = [...service("reviews"), ...service("ratings"), ...service("db", { ports: { "tcp-db": 27017 } })];
const host = (name: string): string => `${name}.default.svc.cluster.local`;
const keyOf = (kind: string, name: string, group = "networking.istio.io"): string => `${group}/${kind}/default/${name}`;

function resource(type: XdsType, name: string, objects: Resource[], client: MeshProxy = proxy()): EncodedResource {
  const generator = new Generator(snapshotOf(objects, RECORDS));
  const names = type === "route" ? { key: name, names: [name] } : undefined;
  const found = generator.resources(type, client, generator.proxyClass(client), names).resources.get(name);
  assert.ok(found, name);
  return found;
}

/** The parts that one has and the other has not, with their own. */
const changed = (before: EncodedResource, after: EncodedResource): ResourcePart[] => {
  const known = new Set((before.parts ?? []).map((each) => each.version));
  return (after.parts ?? []).filter((each) => !known.has(each.version));
};

const to = (name: string): object => ({ destination: { host: name } });
const routes = (name: string, ...http: object[]): Resource =>
  object("VirtualService", name, { hosts: [name], http: http.map((each) => ({ route: [to(name)], ...each })) });

describe("the parts of a route table", () => {
  const first = { name: "first", match: [{ uri: { prefix: "/a" } }] };
  const rest = { name: "rest" };

  it("name each route with the objects behind it", () => {
    const hashed = object("DestinationRule", "hashed", {
      host: "reviews",
      trafficPolicy: { loadBalancer: { consistentHash: { useSourceIp: true } } },
    });
    const redirect = { name: "moved", match: [{ uri: { prefix: "/b" } }], route: undefined, redirect: { uri: "/c" } };
    const { parts = [] } = resource("route", "9080", [routes("reviews", redirect, rest), hashed]);
    const reviews = parts.find((each) => each.name === `${host("reviews")}:9080`);
    assert.equal(reviews?.kind, "virtualHost");
    const own = keyOf("VirtualService", "reviews");
    assert.deepEqual(
      reviews?.parts?.map(({ kind, name, configKeys }) => [kind, name, configKeys]),
      [
        ["route", "moved", [own]],
        ["route", "rest", [own, keyOf("DestinationRule", "hashed")]],
      ],
    );
    const ratings = parts.find((each) => each.name === `${host("ratings")}:9080`);
    assert.deepEqual(
      ratings?.parts?.map(({ name, configKeys }) => [name, configKeys]),
      [["default", []]],
    );
  });

  it("say what has changed, to the route", () => {
    const before = resource("route", "9080", [routes("reviews", first, rest), routes("ratings", rest)]);
    const after = resource("route", "9080", [
      routes("reviews", first, { ...rest, timeout: "5s" }),
      routes("ratings", rest),
    ]);
    const [only, ...more] = changed(before, after);
    assert.deepEqual([only?.name, more], [`${host("reviews")}:9080`, []]);
    const known = new Set(before.parts?.flatMap((each) => each.parts ?? []).map((each) => each.version));
    assert.deepEqual(
      only?.parts?.filter((each) => !known.has(each.version)).map((each) => each.name),
      ["rest"],
    );
  });

  it("have the Gateways of a router's virtual hosts, and the VirtualServices of their routes", () => {
    const router = proxy({ LABELS: { istio: "ingress" } }, "router~10.0.0.9~gw.istio-system~x");
    const gateway = object("Gateway", "web", {
      selector: { istio: "ingress" },
      servers: [{ port: { number: 80, name: "http", protocol: "HTTP" }, hosts: ["*"] }],
    });
    const virtual = (name: string, prefix: string): Resource =>
      object("VirtualService", name, {
        ...{ hosts: ["shop.com"], gateways: ["web"] },
        http: [{ name, match: [{ uri: { prefix } }], route: [to("reviews")] }],
      });
    const { parts = [] } = resource("route", "http.80", [gateway, virtual("a", "/a"), virtual("b", "/b")], router);
    const [a, b, web] = [keyOf("VirtualService", "a"), keyOf("VirtualService", "b"), keyOf("Gateway", "web")];
    assert.deepEqual(
      parts.map((each) => [
        each.name,
        [...each.configKeys].sort(),
        each.parts?.map(({ name, configKeys }) => [name, configKeys]),
      ]),
      [
        [
          "shop.com:80",
          [web, a, b].sort(),
          [
            ["a", [a]],
            ["b", [b]],
          ],
        ],
      ],
    );
  });
});

describe("the parts of a listener", () => {
  it("are its filter chains, each with the objects behind it alone", () => {
    const tcp = object("VirtualService", "db", {
      hosts: ["db"],
      tcp: [{ match: [{ destinationSubnets: ["10.1.0.0/16"] }], route: [to("reviews")] }, { route: [to("db")] }],
    });
    const before = resource("listener", "10.96.0.1_27017", []);
    const after = resource("listener", "10.96.0.1_27017", [tcp]);
    assert.ok((after.parts?.length ?? 0) > 1);
    const parts = changed(before, after);
    assert.deepEqual([...new Set(parts.flatMap((each) => each.configKeys))], [keyOf("VirtualService", "db")]);
    assert.ok(parts.every((each) => each.kind === "filterChain"));
  });

  it("distinguish the chains of a port's mode from the others", () => {
    const peer = object("PeerAuthentication", "strict", {
      selector: { matchLabels: { app: "reviews" } },
      portLevelMtls: { 9080: { mode: "STRICT" } },
    });
    const server = proxy({ LABELS: { app: "reviews" } }, "sidecar~10.0.0.1~reviews-1.default~x");
    const key = keyOf("PeerAuthentication", "strict", "security.istio.io");
    const { parts = [] } = resource("listener", "virtualInbound", [peer], server);
    const due = parts.filter((each) => each.configKeys.includes(key)).map((each) => each.name);
    assert.deepEqual([...new Set(due)], ["0.0.0.0_9080"]);
    assert.ok(parts.length > due.length);
  });
});

describe("a virtual host that has lost a domain to another one", () => {
  it("is the same but for its domains", () => {
    const scope = scopeOf(snapshotOf([]));
    const built = (name: string, domains: string[], configKey: string): BuiltVirtualHost => ({
      ...{ name, domains, message: { includeRequestAttemptCount: true }, configKeys: [] },
      routes: [
        {
          message: {
            name: `of-${name}`,
            match: { pathSpecifier: { case: "prefix", value: "/" } },
            action: { case: "directResponse", value: { status: 200 } },
          },
          configKeys: [configKey],
        },
      ],
    });
    const hosts = [built("a", ["A.com", "b.com"], "ka"), built("b", ["c.com", "B.com", "d.com"], "kb")].map((each) => {
      const host = encodeVirtualHost(scope, each, "80");
      assert.ok(host);
      return host;
    });
    const table = encodeRouteConfiguration(scope, { name: "80", message: {}, configKeys: [] }, hosts);
    const [a, b] = jsonOf(RouteConfigurationSchema, table.bytes).virtual_hosts;
    assert.deepEqual(
      [a.domains, b.domains],
      [
        ["A.com", "b.com"],
        ["c.com", "d.com"],
      ],
    );
    const whole = jsonOf(
      RouteConfigurationSchema,
      encodeRouteConfiguration(scope, { name: "80", message: {}, configKeys: [] }, [hosts[1] as (typeof hosts)[0]])
        .bytes,
    ).virtual_hosts[0];
    assert.deepEqual({ ...b, domains: [] }, { ...whole, domains: [] });
    assert.deepEqual(
      table.parts?.[1]?.parts?.map(({ name, configKeys }) => [name, configKeys]),
      [["of-b", ["kb"]]],
    );
    assert.notEqual(table.parts?.[1]?.version, hosts[1]?.version);
  });
});
