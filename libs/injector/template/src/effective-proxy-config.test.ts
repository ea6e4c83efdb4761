import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { effectiveProxyConfig, type MeshProxyConfigs, type ProxyConfigObject } from "./effective-proxy-config.ts";
import { imageOfType } from "./proxy-image.ts";

const object = (namespace: string, created: string, spec: ProxyConfigObject["spec"]): ProxyConfigObject => ({
  ...{ namespace, name: `of-${created}`, created, spec },
});
const MESH: MeshProxyConfigs = {
  rootNamespace: "istio-system",
  defaultConfig: {
    concurrency: 1,
    proxyMetadata: { A: "mesh", M: "mesh" },
    tracing: { sampling: 5 },
    proxyStatsMatcher: { inclusionPrefixes: ["a"] },
  },
  objects: [
    object("istio-system", "2", { concurrency: 9 }),
    object("istio-system", "1", { concurrency: 2, environmentVariables: { A: "root", R: "root" } }),
    object("shop", "1", { concurrency: 3, environmentVariables: { A: "shop" }, image: { imageType: "debug" } }),
    object("shop", "4", { selector: { matchLabels: { app: "web" } }, concurrency: 9 }),
    object("shop", "3", { selector: { matchLabels: { app: "web" } }, concurrency: 0 }),
  ],
};
const of = (namespace: string, app: string, annotation?: string) =>
  effectiveProxyConfig(
    { namespace, labels: { app }, annotations: annotation ? { "proxy.istio.io/config": annotation } : {} },
    MESH,
  );

describe("the ProxyConfig of a pod", () => {
  it("is that of the mesh, then of the root namespace, of the namespace, of the annotation, of the selector", () => {
    assert.equal(
      effectiveProxyConfig({ namespace: "a", labels: {}, annotations: {} }, { ...MESH, objects: [] }).concurrency,
      1,
    );
    assert.equal(of("other", "x").concurrency, 2);
    assert.equal(of("istio-system", "x").concurrency, 2);
    assert.equal(of("shop", "x").concurrency, 3);
    assert.equal(of("shop", "x", "concurrency: 4").concurrency, 4);
    assert.equal(of("shop", "web", "concurrency: 4").concurrency, 0);
    assert.equal(of("other", "web", "concurrency: 4").concurrency, 4);
  });

  it("joins what the levels say: variables by name, lists one behind the other", () => {
    const { proxyMetadata, image, proxyStatsMatcher } = of(
      "shop",
      "web",
      "{proxyStatsMatcher: {inclusionPrefixes: [b]}}",
    );
    assert.deepEqual(proxyMetadata, { A: "shop", M: "mesh", R: "root" });
    assert.deepEqual(image, { imageType: "debug" });
    assert.deepEqual(proxyStatsMatcher, { inclusionPrefixes: ["a", "b"] });
  });

  it("leaves out what pilot serves to proxies that run, unless the pod says it itself", () => {
    assert.equal(of("shop", "x").tracing, undefined);
    assert.deepEqual(of("shop", "x", "tracing: {sampling: 7}").tracing, { sampling: 7 });
  });

  it("refuses an annotation that Istio refuses, and lets fields of other versions pass", () => {
    assert.throws(() => of("shop", "x", "concurrency: many"), /proxy\.istio\.io\/config: concurrency: must be/);
    assert.throws(() => of("shop", "x", "statsdUdpAddress: nowhere"), /statsdUdpAddress: "nowhere" is not HOST:PORT/);
    assert.equal(of("shop", "x", "ofTomorrow: 1").ofTomorrow, 1);
  });
});

describe("the image of a variant", () => {
  for (const [image, type, expected] of [
    ["hub/proxyv2:1.29.0", "distroless", "hub/proxyv2:1.29.0-distroless"],
    ["hub/proxyv2:1.29.0-distroless", "debug", "hub/proxyv2:1.29.0-debug"],
    ["hub/proxyv2:1.29.0-distroless", "default", "hub/proxyv2:1.29.0"],
    ["hub/proxyv2:1.29.0-distroless", "", "hub/proxyv2:1.29.0-distroless"],
    ["host:5000/proxyv2", "debug", "host:5000/proxyv2:latest-debug"],
    ["host:5000/proxyv2", "default", "host:5000/proxyv2"],
    ["hub/proxyv2@sha256:00", "debug", "hub/proxyv2@sha256:00"],
  ] as const)
    it(`${image} as ${type || "none"}`, () => assert.equal(imageOfType(image, type), expected));
});
