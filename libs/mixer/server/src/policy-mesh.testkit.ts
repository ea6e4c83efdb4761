// A mixer-policy with rules of many sorts, for the tests of its two APIs.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { CheckRequestSchema } from "@xebec/api-envoy/envoy/service/auth/v3/external_auth";
import { createMixerPolicy } from "./mixer-service.ts";
import { objectsOf, pod, policyAdapters, service, startMixer } from "./test-mesh.testkit.ts";

export const CONFIG = `
apiVersion: config.istio.io/v1alpha2
kind: handler
metadata: {name: denyall, namespace: istio-system}
spec: {compiledAdapter: denier, params: {status: {code: 7, message: Not allowed}}}
---
apiVersion: config.istio.io/v1alpha2
kind: denier
metadata: {name: busy, namespace: istio-system}
spec:
  status:
    code: 14
    details:
    - {"@type": type.googleapis.com/istio.policy.v1beta1.DirectHttpResponse, code: 429, body: later, headers: {retry-after: "5"}}
---
apiVersion: config.istio.io/v1alpha2
kind: denier
metadata: {name: plain, namespace: istio-system}
spec: {status: {message: Not here}}
---
apiVersion: config.istio.io/v1alpha2
kind: rule
metadata: {name: plain, namespace: istio-system}
spec:
  match: request.url_path == "/plain"
  actions: [{handler: plain.denier, instances: [nothing.checknothing]}]
---
apiVersion: config.istio.io/v1alpha2
kind: rule
metadata: {name: unknown-workloads, namespace: istio-system}
spec:
  match: request.path == "/private" && source.labels["app"] != "productpage"
  actions: [{handler: denyall, instances: [nothing.checknothing]}]
---
apiVersion: config.istio.io/v1alpha2
kind: checknothing
metadata: {name: nothing, namespace: istio-system}
spec: {}
---
apiVersion: config.istio.io/v1alpha2
kind: rule
metadata: {name: deny, namespace: istio-system}
spec:
  match: request.headers["x-block"] == "yes"
  actions: [{handler: denyall, instances: [nothing.checknothing]}]
---
apiVersion: config.istio.io/v1alpha2
kind: rule
metadata: {name: busy, namespace: istio-system}
spec:
  match: request.url_path == "/busy"
  actions: [{handler: busy.denier, instances: [nothing.checknothing]}]
---
apiVersion: config.istio.io/v1alpha2
kind: handler
metadata: {name: versions, namespace: istio-system}
spec: {compiledAdapter: listchecker, params: {overrides: [v1, v2], caching_interval: 30s}}
---
apiVersion: config.istio.io/v1alpha2
kind: listentry
metadata: {name: srcversion, namespace: istio-system}
spec: {value: 'source.labels["version"] | "none"'}
---
apiVersion: config.istio.io/v1alpha2
kind: rule
metadata: {name: versions, namespace: default}
spec:
  match: destination.service.name == "reviews"
  actions: [{handler: versions.istio-system, instances: [srcversion.listentry.istio-system]}]
---
apiVersion: config.istio.io/v1alpha2
kind: rule
metadata: {name: headers, namespace: default}
spec:
  match: request.url_path == "/headers"
  requestHeaderOperations:
  - {name: x-workload, values: ['source.workload.name | "unknown"']}
  - {name: x-drop, operation: REMOVE}
  - {name: x-tag, values: ['"more"'], operation: APPEND}
  responseHeaderOperations:
  - {name: x-by, values: ['"xebec"'], operation: APPEND}
---
apiVersion: config.istio.io/v1alpha2
kind: handler
metadata: {name: quotas, namespace: istio-system}
spec: {compiledAdapter: memquota, params: {quotas: [{name: rate.quota.istio-system, maxAmount: 5, validDuration: 60s}]}}
---
apiVersion: config.istio.io/v1alpha2
kind: quota
metadata: {name: rate, namespace: istio-system}
spec: {dimensions: {app: 'source.labels["app"] | "unknown"'}}
---
apiVersion: config.istio.io/v1alpha2
kind: rule
metadata: {name: quota, namespace: istio-system}
spec: {actions: [{handler: quotas, instances: [rate.quota]}]}
---
apiVersion: config.istio.io/v1alpha2
kind: rule
metadata: {name: broken, namespace: default}
spec: {match: 'source.nam == "x"', actions: [{handler: denyall, instances: [nothing.checknothing]}]}
`;

export const WORKLOADS = [
  pod("productpage", "v1", "10.0.0.1"),
  pod("ratings", "v9", "10.0.0.2"),
  pod("reviews", "v1", "10.0.0.3"),
  pod("client", "v9", "10.0.0.9", "other"),
  service("reviews"),
];

export const start = () => startMixer(createMixerPolicy, policyAdapters(), objectsOf(CONFIG), WORKLOADS);
export type Started = Awaited<ReturnType<typeof start>>;

export async function withMixer(work: (mixer: Started) => Promise<void>): Promise<void> {
  const mixer = await start();
  try {
    await work(mixer);
  } finally {
    await mixer.close();
  }
}

export const inbound = {
  "context.reporter.kind": "inbound",
  "destination.service.host": "reviews.default.svc.cluster.local",
  "destination.service.name": "reviews",
  "destination.service.namespace": "default",
};

export function authRequest(
  from: string,
  path: string,
  headers: Record<string, string> = {},
  extensions: Record<string, string> = inbound,
): MessageInitShape<typeof CheckRequestSchema> {
  const address = (ip: string, port: number) =>
    ({
      address: { case: "socketAddress", value: { address: ip, portSpecifier: { case: "portValue", value: port } } },
    }) as const;
  return create(CheckRequestSchema, {
    attributes: {
      source: { address: address(from, 41000), principal: "" },
      destination: { address: address("10.0.0.3", 9080) },
      request: { http: { method: "GET", path, host: "reviews", headers } },
      contextExtensions: extensions,
    },
  });
}
