import assert from "node:assert/strict";
import { describe, it } from "node:test";
import jsonPatch from "fast-json-patch";
import { injectContext } from "./context.ts";
import { type MeshProxyConfigs, NO_PROXY_CONFIGS } from "./effective-proxy-config.ts";
import type { Fields } from "./fields.ts";
import { injectionPatch } from "./inject.ts";
import { parseInjectConfig } from "./inject-config.ts";
import { applyPatch, type PatchOperation } from "./json-patch.ts";
import type { Pod } from "./pod.ts";
import { withDefaults } from "./values.ts";

const CONFIG = parseInjectConfig("{}");
const POD = {
  metadata: {
    name: "reviews-v1-abc",
    labels: { app: "reviews", version: "v1" },
    ownerReferences: [{ kind: "ReplicaSet", name: "reviews-v1-5d4f", controller: true }],
  },
  spec: {
    serviceAccountName: "bookinfo-reviews",
    containers: [{ name: "reviews", image: "x", ports: [{ containerPort: 9080 }] }],
  },
} satisfies Pod;

type Injected = Pod & {
  spec: {
    containers: { name: string; env?: { name: string; value?: string }[] }[];
    initContainers?: { name: string }[];
    volumes: { name: string }[];
  };
};

/** @param values over the defaults */
function inject(pod: Pod, values: object = {}, config = CONFIG, mesh = NO_PROXY_CONFIGS): Injected {
  const context = injectContext({ config, values: withDefaults(values as Fields), mesh });
  const patch = injectionPatch({ pod, namespace: "default" }, context) as jsonPatch.Operation[];
  const { newDocument } = jsonPatch.applyPatch(structuredClone(pod) as Pod, patch, true);
  assert.deepEqual(newDocument, applyPatch(pod as Fields, patch as PatchOperation[]));
  return newDocument as unknown as Injected;
}

describe("the patch", () => {
  it("adds proxy, init container, volumes, labels and status", () => {
    const { metadata, spec } = inject(POD);
    assert.deepEqual(
      spec.containers.map((each) => each.name),
      ["reviews", "istio-proxy"],
    );
    assert.deepEqual(
      spec.initContainers?.map((each) => each.name),
      ["istio-init"],
    );
    assert.deepEqual(
      spec.volumes.map((each) => each.name),
      ["istio-envoy", "istio-data", "istio-podinfo", "istio-token", "istiod-ca-cert"],
    );
    assert.equal(metadata?.labels?.["security.istio.io/tlsMode"], "istio");
    assert.equal(metadata?.labels?.["service.istio.io/canonical-name"], "reviews");
    assert.ok(metadata?.annotations?.["sidecar.istio.io/status"]?.includes("istio-proxy"));
    const env = Object.fromEntries(spec.containers[1]?.env?.map((each) => [each.name, each.value]) ?? []);
    assert.equal(env.ISTIO_META_WORKLOAD_NAME, "reviews-v1");
    assert.equal(env.ISTIO_META_APP_CONTAINERS, "reviews");
    assert.deepEqual(JSON.parse(env.PROXY_CONFIG ?? ""), {
      discoveryAddress: "istio-pilot.istio-system.svc:15012",
    });
  });

  it("gives the same pod when it is injected again", () => {
    const once = inject(POD);
    assert.deepEqual(inject(once), once);
  });

  const proxyOf = (pod: Pod): Record<string, unknown> & { env: { name: string; value?: string }[] } =>
    inject(pod).spec.containers.find((each) => each.name === "istio-proxy") as unknown as ReturnType<typeof proxyOf>;
  const annotated = (annotations: Record<string, string>): Pod => ({
    ...POD,
    metadata: { ...POD.metadata, annotations },
  });
  const envOf = (pod: Pod, name: string): string => proxyOf(pod).env.find((each) => each.name === name)?.value ?? "";

  it("replaces the whole block of resources by what annotations say", () => {
    assert.deepEqual(proxyOf(POD).resources, {
      requests: { cpu: "100m", memory: "128Mi" },
      limits: { cpu: "2", memory: "1Gi" },
    });
    assert.deepEqual(proxyOf(annotated({ "sidecar.istio.io/proxyMemory": "2Gi" })).resources, {
      requests: { memory: "2Gi" },
    });
    assert.deepEqual(proxyOf(annotated({ "sidecar.istio.io/proxyCPULimit": "1.5" })).resources, {
      limits: { cpu: "1.5" },
    });
  });

  it("gives the proxy the rights that TPROXY needs", () => {
    const { securityContext } = proxyOf(annotated({ "sidecar.istio.io/interceptionMode": "TPROXY" }));
    const { runAsUser, runAsNonRoot, capabilities } = securityContext as Record<string, unknown>;
    assert.deepEqual([runAsUser, runAsNonRoot, capabilities], [0, false, { add: ["NET_ADMIN"], drop: ["ALL"] }]);
  });

  it("asks for readiness as annotations say", () => {
    const probed = annotated({
      "readiness.status.sidecar.istio.io/initialDelaySeconds": "3",
      "readiness.status.sidecar.istio.io/periodSeconds": "2",
      "readiness.status.sidecar.istio.io/failureThreshold": "7",
      "status.sidecar.istio.io/port": "15999",
    });
    const probe = proxyOf(probed).readinessProbe as Record<string, unknown>;
    assert.deepEqual([probe.initialDelaySeconds, probe.periodSeconds, probe.failureThreshold], [3, 2, 7]);
    assert.equal(JSON.parse(envOf(probed, "PROXY_CONFIG")).statusPort, 15_999);
    assert.equal(proxyOf(annotated({ "status.sidecar.istio.io/port": "0" })).readinessProbe, undefined);
  });

  it("keeps labels of the user, and makes others that Kubernetes takes", () => {
    const labels = { "security.istio.io/tlsMode": "disabled" };
    const generateName = `${"d".repeat(62)}.-x-`;
    const { metadata } = inject({ metadata: { generateName, labels }, spec: POD.spec });
    assert.equal(metadata?.labels?.["security.istio.io/tlsMode"], "disabled");
    assert.equal(metadata?.labels?.["service.istio.io/canonical-name"], "d".repeat(62));
  });

  it("names an owner with the group that it has", () => {
    const ownerReferences = [{ apiVersion: "batch/v1", kind: "Job", name: "j", controller: true }];
    const pod: Pod = { ...POD, metadata: { name: "p", ownerReferences } };
    assert.equal(envOf(pod, "ISTIO_META_OWNER"), "kubernetes://apis/batch/v1/namespaces/default/jobs/j");
  });

  it("lays a user's own istio-proxy over the template's, also when it is injected again", () => {
    const user = {
      name: "istio-proxy",
      image: "auto",
      env: [
        { name: "X", value: "1" },
        { name: "TRUST_DOMAIN", value: "mine" },
      ],
      resources: { requests: { cpu: "1" } },
    };
    const once = inject({ ...POD, spec: { ...POD.spec, containers: [user, ...POD.spec.containers] } });
    const proxies = once.spec.containers.filter((each) => each.name === "istio-proxy");
    assert.equal(proxies.length, 1);
    const [proxy] = proxies as unknown as [
      { image: string; resources: unknown; env: { name: string; value?: string }[] },
    ];
    assert.equal(proxy.image, "xebec/proxyv2");
    assert.deepEqual(proxy.resources, { requests: { cpu: "1", memory: "128Mi" }, limits: { cpu: "2", memory: "1Gi" } });
    const values = (name: string): unknown[] =>
      proxy.env.filter((each) => each.name === name).map((each) => each.value);
    assert.deepEqual([values("X"), values("TRUST_DOMAIN"), values("CA_ADDR").length], [["1"], ["mine"], 1]);
    assert.deepEqual(inject(once), once);
  });

  for (const [name, value, form] of [
    ["traffic.sidecar.istio.io/includeOutboundIPRanges", "10.0.0.0/33", "networks"],
    ["traffic.sidecar.istio.io/excludeOutboundIPRanges", "10.0.0.0/8,::::/8", "networks"],
    ["sidecar.istio.io/proxyMemory", "lots", "a quantity"],
    ["readiness.status.sidecar.istio.io/periodSeconds", "9999999999", "a number of seconds"],
  ] as const)
    it(`refuses ${name}: ${value}`, () => assert.throws(() => inject(annotated({ [name]: value })), new RegExp(form)));

  it("has no init container without traffic capture", () => {
    assert.equal(
      inject(POD, { meshConfig: { defaultConfig: { interceptionMode: "NONE" } } }).spec.initContainers,
      undefined,
    );
  });

  it("keeps values that look like YAML what they are: texts", () => {
    const evil = 'x", privileged: true}\n- {name: evil, image: "y\n# {{values}} --- *a';
    const { spec } = inject(annotated({ "sidecar.istio.io/proxyImage": evil }));
    assert.deepEqual(
      spec.containers.map((each) => each.name),
      ["reviews", "istio-proxy"],
    );
    assert.equal((spec.containers[1] as { image?: string }).image, evil);
  });

  it("refuses an annotation that cannot be used, by name", () => {
    const pod = {
      ...POD,
      metadata: { ...POD.metadata, annotations: { "traffic.sidecar.istio.io/excludeInboundPorts": "http" } },
    };
    assert.throws(() => inject(pod), /traffic\.sidecar\.istio\.io\/excludeInboundPorts: must be ports, not "http"/);
  });
});

describe("the patch with ProxyConfigs of the mesh", () => {
  const mesh: MeshProxyConfigs = {
    rootNamespace: "istio-system",
    defaultConfig: { holdApplicationUntilProxyStarts: true },
    objects: [
      {
        ...{ namespace: "default", name: "p", created: "" },
        spec: {
          concurrency: 4,
          environmentVariables: { ISTIO_META_B: "b", A: '"' },
          image: { imageType: "distroless" },
        },
      },
    ],
  };
  const pod = inject(POD, { global: { hub: "hub", tag: 1 } }, CONFIG, mesh);
  const [first, second] = pod.spec.containers as unknown as [
    { name: string; image: string; lifecycle: unknown; env: { name: string; value?: string }[] },
    { name: string },
  ];

  it("has the variant of the image, the variables, and the concurrency", () => {
    assert.equal(first.image, "hub/proxyv2:1-distroless");
    const own = ["A", "ISTIO_META_B"];
    assert.deepEqual(
      first.env.filter(({ name }) => own.includes(name)),
      [
        { name: "A", value: '"' },
        { name: "ISTIO_META_B", value: "b" },
      ],
    );
    const config = JSON.parse(first.env.find(({ name }) => name === "PROXY_CONFIG")?.value ?? "");
    assert.equal(config.concurrency, 4);
  });

  it("starts the app behind a proxy that is waited for", () => {
    assert.deepEqual([first.name, second.name], ["istio-proxy", "reviews"]);
    assert.deepEqual(first.lifecycle, { postStart: { exec: { command: ["pilot-agent", "wait"] } } });
  });
});
