import assert from "node:assert/strict";
import { test } from "node:test";
import { loadConfig } from "@xebec/core-config";
import { validateWithEnvoy } from "@xebec/testing-launch";
import { AgentConfig } from "./agent-config.ts";
import { readSettings } from "./agent-settings.ts";
import { parseAppProbes } from "./app-probes.ts";
import { renderBootstrap } from "./bootstrap.ts";
import { parsePrometheusAnnotations } from "./merged-metrics.ts";
import { envoyNode } from "./node.ts";
import { parseProxyConfig } from "./proxy-config.ts";
import type { ProxySettings } from "./proxy-settings.ts";

function settings(env: Record<string, string>, proxyConfig = "", more: Partial<ProxySettings> = {}): ProxySettings {
  return {
    ...{ type: "sidecar", ip: "127.0.9.9", podName: "reviews-v1-x", namespace: "default" },
    ...{ domain: "default.svc.cluster.local", serviceAccount: "reviews", trustDomain: "cluster.local" },
    ...{ systemNamespace: "istio-system", serviceCluster: "istio-proxy", proxyConfig: parseProxyConfig(proxyConfig) },
    ...{ env, labels: {}, annotations: {}, sdsSocket: "etc/istio/proxy/SDS", pilotNames: [] },
    ...{ envoyStatusPort: 15_021, envoyPrometheusPort: 15_090 },
    ...more,
  };
}

for (const [what, env, config] of [
  ["captured, pilot by name", {}, '{"discoveryAddress":"istio-pilot.istio-system.svc:15012"}'],
  ["shared loopback, pilot by address", { ISTIO_META_INTERCEPTION_MODE: "NONE" }, "discoveryAddress: 127.0.0.1:15012"],
  [
    "plaintext, statistics of its own",
    {},
    "discoveryAddress: pilot:15010\nextraStatTags: [region]\nproxyStatsMatcher: {inclusionRegexps: ['cluster.*']}",
  ],
  [
    "sinks of statistics, a runtime of its own, nothing compressed",
    {},
    `statsdUdpAddress: 127.0.0.1:8125
envoyMetricsService:
  address: metrics.example:15000
  tlsSettings: {mode: ISTIO_MUTUAL, subjectAltNames: ["spiffe://cluster.local/ns/a/sa/b"]}
  tcpKeepalive: {probes: 3, time: 10s, interval: 5s}
runtimeValues: {overload.global_downstream_max_connections: "100", re2.max_program_size.error_level: ""}
statsCompression: false`,
  ],
  ["metrics by plaintext", {}, "envoyMetricsServiceAddress: 127.0.0.1:15000"],
] as const)
  test(`Envoy takes the bootstrap: ${what}`, async () => {
    assert.equal(await validateWithEnvoy(renderBootstrap(settings(env, config))), undefined);
  });

test("pods that share the loopback interface bind and call from their own address only", () => {
  const shared = JSON.stringify(renderBootstrap(settings({ ISTIO_META_INTERCEPTION_MODE: "NONE" })));
  assert.ok(!shared.includes("0.0.0.0") && !shared.includes('"127.0.0.1"'));
  assert.match(shared, /"upstream_bind_config":\{"source_address":\{"address":"127\.0\.9\.9"/);
  const captured = renderBootstrap(settings({}));
  assert.deepEqual(captured.cluster_manager, {});
  assert.ok(!JSON.stringify(captured).includes('127.0.9.9","port_value'));
});

test("pilot is verified by its identity, except in plaintext", () => {
  assert.match(
    JSON.stringify(renderBootstrap(settings({}))),
    /spiffe:\/\/cluster\.local\/ns\/istio-system\/sa\/istio-pilot-service-account/,
  );
  assert.ok(!JSON.stringify(renderBootstrap(settings({}, "discoveryAddress: pilot:15010"))).includes("UpstreamTls"));
});

test("runtime values join Istio's, and an empty one takes one away", () => {
  const layerOf = (config: string): unknown => {
    const { layered_runtime: runtime } = renderBootstrap(settings({}, config)) as {
      layered_runtime: { layers: readonly { static_layer?: unknown }[] };
    };
    return runtime.layers[0]?.static_layer;
  };
  const usual = layerOf("");
  assert.deepEqual(layerOf('runtimeValues: {a.b: "12", c: "true", d: text, re2.max_program_size.error_level: ""}'), {
    ...{ "a.b": 12, c: true, d: "text" },
    "envoy.reloadable_features.http_reject_path_with_fragment": false,
  });
  assert.deepEqual(usual, {
    "re2.max_program_size.error_level": 32_768,
    "envoy.reloadable_features.http_reject_path_with_fragment": false,
  });
});

test("the name of the proxy's service and of its mesh come from ProxyConfig", () => {
  const labels = { app: "web", "service.istio.io/canonical-name": "shop" };
  const nodeOf = (config: string) => envoyNode(settings({}, config, { labels }));
  assert.equal(nodeOf("").cluster, "web.default");
  assert.equal(nodeOf("tracingServiceName: CANONICAL_NAME_ONLY").cluster, "shop");
  assert.equal(nodeOf("tracingServiceName: CANONICAL_NAME_AND_NAMESPACE").cluster, "shop.default");
  assert.equal(nodeOf("serviceCluster: own").cluster, "own");
  assert.equal(nodeOf("meshId: mine").metadata.MESH_ID, "mine");
});

test("the node is Istio's", () => {
  const node = envoyNode(
    settings(
      {
        ISTIO_META_WORKLOAD_NAME: "reviews-v1",
        ISTIO_META_HTTP_PROXY_PORT: "15002",
        ISTIO_METAJSON_ANNOTATIONS: '{"a":"b"}',
        ISTIO_METAJSON_EXTRA: '{"CLUSTER_ID":"east","NETWORK":"n1"}',
        ISTIO_META_NETWORK: "n0",
        OTHER: "x",
      },
      "",
      { labels: { app: "reviews", "pod-template-hash": "1", "istio-locality": "eu.a.b" } },
    ),
  );
  assert.equal(node.id, "sidecar~127.0.9.9~reviews-v1-x.default~default.svc.cluster.local");
  assert.equal(node.cluster, "reviews.default");
  assert.deepEqual(node.locality, { region: "eu", zone: "a", sub_zone: "b" });
  const { PROXY_CONFIG, ...metadata } = node.metadata;
  assert.ok(PROXY_CONFIG);
  assert.deepEqual(metadata, {
    ...{ ISTIO_VERSION: "1.29.0", NAME: "reviews-v1-x", NAMESPACE: "default", SERVICE_ACCOUNT: "reviews" },
    ...{
      INSTANCE_IPS: "127.0.9.9",
      INTERCEPTION_MODE: "REDIRECT",
      WASM_CLUSTER: "sds-grpc",
      LABELS: { app: "reviews", "istio-locality": "eu.a.b" },
    },
    ...{
      ANNOTATIONS: { a: "b" },
      CLUSTER_ID: "east",
      NETWORK: "n0",
      WORKLOAD_NAME: "reviews-v1",
      HTTP_PROXY_PORT: "15002",
    },
  });
  assert.throws(() => envoyNode(settings({ ISTIO_METAJSON_X: "[1]" })), /ISTIO_METAJSON_X is not a JSON object/);
});

test("proxyMetadata stands for variables that the pod does not set", () => {
  const flags = { domain: "", serviceCluster: "istio-proxy", configPath: ".", discoveryAddress: undefined };
  const { env } = readSettings(
    "sidecar",
    { ...flags, "trust-domain": "cluster.local" },
    { INSTANCE_IP: "127.0.9.9", ISTIOD_SAN: "own", PROXY_CONFIG: "proxyMetadata: {SECRET_TTL: 30s, ISTIOD_SAN: lost}" },
  );
  assert.deepEqual([env.SECRET_TTL, env.ISTIOD_SAN], ["30s", "own"]);
});

test("settings that cannot be used are named", () => {
  assert.throws(() => parseProxyConfig('{"statusPort":70000}'), /PROXY_CONFIG\.statusPort: 70000 is not a port/);
  assert.throws(() => parseProxyConfig('{"terminationDrainDuration":"soon"}'), /terminationDrainDuration/);
  assert.throws(() => parseProxyConfig("[1]"), /not an object/);
  assert.throws(() => parseAppProbes('{"/x":{"port":1}}'), /"\/x" is not \/app-health/);
  assert.throws(() => parseAppProbes('{"/app-health/a/readyz":{"httpGet":{"port":"http"}}}'), /"http" is not a port/);
  assert.throws(() => renderBootstrap(settings({}, '{"extraStatTags":["a.b"]}')), /"a\.b" is not a name of a tag/);
});

test("probes of both forms, metrics annotations, unknown flags", () => {
  const probes = parseAppProbes(
    JSON.stringify({
      "/app-health/a/livez": { path: "/old", port: 80, httpHeaders: [{ name: "x", value: "1" }] },
      "/app-health/a/readyz": { httpGet: { path: "new", port: 8080 }, timeoutSeconds: 3 },
      "/app-health/b/startupz": { tcpSocket: { port: 5432 } },
    }),
  );
  assert.deepEqual(Object.fromEntries(probes), {
    "/app-health/a/livez": { port: 80, http: { path: "/old", headers: { x: "1" } }, timeoutMs: 10_000 },
    "/app-health/a/readyz": { port: 8080, http: { path: "/new", headers: {} }, timeoutMs: 3_000 },
    "/app-health/b/startupz": { port: 5432, timeoutMs: 10_000 },
  });
  assert.deepEqual(parsePrometheusAnnotations('{"scrape":"true","port":"9080"}', 15_020), {
    path: "/metrics",
    port: 9_080,
  });
  assert.equal(parsePrometheusAnnotations('{"scrape":"false"}', 15_020), undefined);
  const argv = ["router", "--a", "b", "--domain", "v", "--c=d", "--templateFile", "x", "--e"];
  const { config, positional, ignored } = loadConfig(AgentConfig, argv, {});
  assert.deepEqual([config.domain, positional, ignored], ["v", ["router"], ["--a", "--c", "--templateFile", "--e"]]);
});
