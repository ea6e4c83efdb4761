import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { HttpRoute } from "@xebec/model-resources";
import { object, scopeOf, service, snapshotOf } from "../small-mesh.testkit.ts";
import type { HttpConnection, TrafficKind } from "./connection.ts";
import { HTTP_FILTER_PHASES } from "./http/http-filter.ts";
import { extensionConfig, HTTP_FILTERS, httpFilters, routeSettings } from "./http/registry.ts";
import { NETWORK_FILTER_PHASES } from "./network/network-filter.ts";
import { NETWORK_FILTERS, networkFilters } from "./network/registry.ts";

describe("filters", () => {
  for (const [kind, filters, phases] of [
    ["HTTP", HTTP_FILTERS, HTTP_FILTER_PHASES],
    ["network", NETWORK_FILTERS, NETWORK_FILTER_PHASES],
  ] as const)
    it(`for ${kind} stand in the order of their phases, each with a name of its own`, () => {
      const order = filters.map(({ phase }) => (phases as readonly string[]).indexOf(phase));
      assert.deepEqual(
        order,
        order.toSorted((a, b) => a - b),
      );
      assert.equal(new Set(filters.map(({ name }) => name)).size, filters.length);
    });

  const scope = scopeOf(snapshotOf([]));
  const http = (kind: TrafficKind, more: Partial<HttpConnection> = {}): HttpConnection => ({
    ...{ protocol: "http", kind, statPrefix: "x", routes: { rds: "x" } },
    ...more,
  });
  const names = (connection: HttpConnection): string[] => httpFilters(scope, connection).map(({ name }) => name);
  const SERVICE = {
    ...{
      service: { host: "web.default.svc.cluster.local", name: "web", namespace: "default" },
      serviceNamespace: "default",
    },
  };
  const COMMON = ["envoy.filters.http.fault", "envoy.filters.http.cors"];

  it("of a connection manager are those that the connection needs, in their order", () => {
    assert.deepEqual(names(http("inbound", { ...SERVICE, grpcWeb: true })), [
      ...["mixer.report", "mixer.check/default/web", "envoy.filters.http.grpc_web", ...COMMON],
      "envoy.filters.http.router",
    ]);
    for (const kind of ["outbound", "gateway"] as const)
      assert.deepEqual(names(http(kind)), [
        ...["mixer.report", ...COMMON, "envoy.filters.http.set_filter_state", "envoy.filters.http.router"],
      ]);
  });

  it("of a chain end with what takes the connection, and nothing comes behind it", () => {
    const last = (connection: Parameters<typeof networkFilters>[1]): string[] =>
      networkFilters(scope, connection).map(({ name }) => name);
    assert.deepEqual(last(http("inbound")), ["envoy.filters.network.http_connection_manager"]);
    assert.deepEqual(last({ protocol: "tcp", kind: "outbound", clusters: [] }), ["envoy.filters.network.tcp_proxy"]);
  });

  it("have settings for a route only where its rule or its destinations ask for them", () => {
    const settings = (rule: HttpRoute): string[] =>
      Object.keys(routeSettings(scope, { rule, destinations: [] }).typedPerFilterConfig);
    assert.deepEqual(settings({}), []);
    assert.deepEqual(settings({ corsPolicy: {}, fault: { abort: { httpStatus: 500 } } }), COMMON);
  });

  it("have the keys of the objects behind their settings", () => {
    const destinations = [{ host: "auto.default.svc.cluster.local", subset: "", port: 9000 }];
    const keys = (mode?: string) => {
      const tls = object("DestinationRule", "tls", { host: "auto", trafficPolicy: { tls: { mode } } });
      const auto = service("auto", { ports: { unnamed: 9000 } });
      return routeSettings(scopeOf(snapshotOf(mode ? [tls] : [], auto)), { destinations });
    };
    assert.deepEqual(keys("ISTIO_MUTUAL").configKeys, ["networking.istio.io/DestinationRule/default/tls"]);
    assert.deepEqual(Object.keys(keys().typedPerFilterConfig), ["envoy.filters.http.set_filter_state"]);
    assert.deepEqual(keys().configKeys, []);
    assert.deepEqual(keys("DISABLE"), { typedPerFilterConfig: {}, configKeys: [] });
  });

  it("that take their configuration by discovery know it by the names of their own entries", () => {
    const discovered = httpFilters(scope, http("inbound", { ...SERVICE })).filter(
      ({ message }) => message.configType?.case === "configDiscovery",
    );
    assert.deepEqual(
      discovered.map(({ name }) => extensionConfig(scope, name)?.name),
      ["mixer.report", "mixer.check/default/web"],
    );
    assert.equal(extensionConfig(scope, "nobody's"), undefined);
  });
});
