import assert from "node:assert/strict";
import { it } from "node:test";
import { parseProxyConfig } from "./proxy-config.ts";

it("every setting of a ProxyConfig that the agent acts on is read", () => {
  const { raw: _raw, ...usual } = parseProxyConfig("");
  assert.deepEqual(usual, {
    ...{ discoveryAddress: "istiod.istio-system.svc:15012", proxyAdminPort: 15_000, statusPort: 15_020 },
    ...{ terminationDrainMs: 5_000, drainSeconds: 45, proxyMetadata: {}, extraStatTags: [], runtimeValues: {} },
    ...{ stats: { prefixes: [], suffixes: [], regexps: [] }, statsCompression: true, fileFlush: { intervalMs: 1_000 } },
    serviceName: "APP_LABEL_AND_NAMESPACE",
  });
  const { raw: _given, ...read } = parseProxyConfig(`
discoveryAddress: pilot:15012
proxyAdminPort: 1
statusPort: 2
concurrency: 3
drainDuration: 4s
terminationDrainDuration: 5.5s
proxyMetadata: {A: b, X: 1}
proxyStatsMatcher: {inclusionPrefixes: [p], inclusionSuffixes: [s], inclusionRegexps: [r]}
extraStatTags: [t]
statsdUdpAddress: 127.0.0.1:8125
envoyMetricsService: {address: "m:1", tlsSettings: {mode: SIMPLE}, tcpKeepalive: {probes: 2, time: 1.5s, interval: 3s}}
runtimeValues: {a: ""}
statsCompression: false
fileFlushInterval: 0.5s
fileFlushMinSizeKb: 16
serviceCluster: c
tracingServiceName: CANONICAL_NAME_ONLY
meshId: m
`);
  assert.deepEqual(read, {
    ...{ discoveryAddress: "pilot:15012", proxyAdminPort: 1, statusPort: 2, concurrency: 3 },
    ...{ drainSeconds: 4, terminationDrainMs: 5_500, proxyMetadata: { A: "b", X: "1" }, extraStatTags: ["t"] },
    ...{ stats: { prefixes: ["p"], suffixes: ["s"], regexps: ["r"] }, statsd: "127.0.0.1:8125" },
    metricsService: {
      ...{ address: "m:1", tlsSettings: { mode: "SIMPLE" } },
      tcpKeepalive: { probes: 2, timeSeconds: 2, intervalSeconds: 3 },
    },
    ...{ runtimeValues: { a: "" }, statsCompression: false, fileFlush: { intervalMs: 500, minSizeKb: 16 } },
    ...{ serviceCluster: "c", serviceName: "CANONICAL_NAME_ONLY", meshId: "m" },
  });
});

it("what cannot be read is named", () => {
  for (const [text, why] of [
    ["statsdUdpAddress: nowhere", /PROXY_CONFIG\.statsdUdpAddress: "nowhere" is not HOST:PORT/],
    ["envoyMetricsService: {address: x}", /PROXY_CONFIG\.envoyMetricsService\.address: "x" is not HOST:PORT/],
    ["fileFlushInterval: soon", /PROXY_CONFIG\.fileFlushInterval: "soon" is not a duration/],
  ] as const)
    assert.throws(() => parseProxyConfig(text), why);
});
