import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readYaml } from "@xebec/core-yaml";
import { manifestDiff } from "./manifest-diff.ts";
import { installationOf } from "./operator.ts";
import { applySet, type Tree } from "./set-flag.ts";

const spec = (text: string): Tree => readYaml(text) as Tree;
const names = (given: Tree): string[] => installationOf(given).releases.map(({ name }) => name);
const valuesOf = (given: Tree, release: string): Tree =>
  installationOf(given).releases.find(({ name }) => name === release)?.values ?? {};

describe("an IstioOperator", () => {
  it("names a profile, which says what is installed", () => {
    assert.deepEqual(names({}), ["xebec-crds", "xebec", "istio-ingressgateway"]);
    assert.deepEqual(names({ profile: "demo" }), [
      ...["xebec-crds", "xebec", "istio-ingressgateway", "istio-egressgateway", "xebec-addons"],
    ]);
    assert.deepEqual(names({ profile: "minimal" }), ["xebec-crds", "xebec"]);
    assert.deepEqual(names({ profile: "empty" }), ["xebec-crds"]);
    assert.throws(() => installationOf({ profile: "dmo" }), /no profile "dmo"; there are default, demo/);
  });

  it("may be one of a tutorial: mesh configuration with statistics, on the profile demo", () => {
    const given = spec(`
meshConfig:
  accessLogFile: /dev/stdout
  defaultConfig:
    proxyMetadata: {}
    proxyStatsMatcher:
      inclusionRegexps: [".*circuit_breakers.*"]
      inclusionPrefixes: ["upstream_rq_retry", "upstream_cx"]
  enablePrometheusMerge: true
profile: demo
`);
    assert.deepEqual(installationOf(given).warnings, []);
    assert.deepEqual(valuesOf(given, "xebec").meshConfig, given.meshConfig);
    assert.equal(valuesOf(given, "xebec").profile, "demo");
  });

  it("sets components by today's names and by those of 1.4", () => {
    const given = spec(`
hub: registry.example/mesh
tag: v2
components:
  pilot: { k8s: { replicaCount: 3, env: [{ name: A, value: "1" }], hpaSpec: { minReplicas: 2, maxReplicas: 7 } } }
  telemetry: { enabled: false }
  cni: { enabled: true }
  ingressGateways:
  - name: istio-ingressgateway
    enabled: true
    k8s: { service: { type: NodePort, ports: [{ name: http2, port: 80, targetPort: 8080, nodePort: 31380 }] } }
  - { name: inner, enabled: true, label: { istio: inner } }
  egressGateways: [{ name: istio-egressgateway, enabled: true }]
values: { global: { proxy: { logLevel: debug } }, sidecarInjectorWebhook: { rewriteAppHTTPProbe: false } }
`);
    assert.deepEqual(names(given), ["xebec-crds", "xebec", "istio-ingressgateway", "inner", "istio-egressgateway"]);
    assert.deepEqual(installationOf(given).warnings, []);
    assert.deepEqual(valuesOf(given, "xebec"), {
      profile: "default",
      global: { hub: "registry.example/mesh", tag: "v2", proxy: { logLevel: "debug" } },
      pilot: { replicaCount: 3, env: { A: "1" }, autoscaleMin: 2, autoscaleMax: 7 },
      mixer: { telemetry: { enabled: false } },
      istio_cni: { enabled: true },
      sidecarInjectorWebhook: { rewriteAppHTTPProbe: false },
    });
    const gateway = valuesOf(given, "istio-ingressgateway");
    assert.deepEqual(
      [gateway.hub, gateway.tag, (gateway.service as Tree).type],
      ["registry.example/mesh", "v2", "NodePort"],
    );
    assert.deepEqual(valuesOf(given, "inner").labels, { istio: "inner" });
  });

  it("says what of it is left out", () => {
    const { warnings } = installationOf(
      spec(`
components: { ztunnel: { enabled: true }, pilot: { k8s: { overlays: [] } }, base: { enabled: true } }
addonComponents: { kiali: { enabled: true } }
values: { base: {} }
meshconfig: {}
`),
    );
    assert.deepEqual(warnings.toSorted(), [
      "addonComponents: is not supported and left out",
      "components.pilot.k8s.overlays: is not supported and left out",
      "components.ztunnel: there is no such component here; it is left out",
      "meshconfig: is not a field of IstioOperator",
      "values.base: is not supported and left out",
    ]);
  });
});

describe("--set", () => {
  for (const [flag, expected] of [
    ["profile=demo", { profile: "demo" }],
    ["values.pilot.traceSampling=1.5", { values: { pilot: { traceSampling: 1.5 } } }],
    ["components.egressGateways[0].enabled=true", { components: { egressGateways: [{ enabled: true }] } }],
    ["a.b\\.c=x=y", { a: { "b.c": "x=y" } }],
    ["tag=1.10.0", { tag: "1.10.0" }],
  ] as const)
    it(`reads ${flag}`, () => {
      const tree: Tree = {};
      applySet(tree, flag);
      assert.deepEqual(tree, expected);
    });

  it("refuses what has no path", () => assert.throws(() => applySet({}, "demo"), /write PATH=VALUE/));
});

describe("a diff of manifests", () => {
  it("goes by objects, whatever their order", () => {
    const object = (name: string, data: string): string =>
      `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\ndata: { a: ${data} }\n`;
    const changes = manifestDiff(
      `${object("same", "x")}---\n${object("old", "x")}---\n${object("changed", "x")}`,
      `${object("changed", "z")}---\n${object("new", "x")}---\n${object("same", "x")}`,
    );
    assert.deepEqual(
      changes.map(({ name, change }) => [name, change]),
      [
        ["ConfigMap changed", "changed"],
        ["ConfigMap new", "added"],
        ["ConfigMap old", "removed"],
      ],
    );
    assert.match(changes[0]?.diff ?? "", /-\s+a: x\n\+\s+a: z/);
  });
});
