import { reviewPod } from "@xebec/injector-server";
import { injectContext, parseInjectConfig, withDefaults } from "@xebec/injector-template";
import type { Figure } from "./table.ts";

const PODS = 20_000;
const ROUNDS = 3;

/** Pods of many Deployments, each with labels, ports, probes and resources of its own, as AdmissionReviews in JSON. */
function reviews(): string[] {
  return Array.from({ length: PODS }, (_, index) =>
    JSON.stringify({
      apiVersion: "admission.k8s.io/v1",
      kind: "AdmissionReview",
      request: {
        uid: `uid-${index}`,
        kind: { group: "", version: "v1", kind: "Pod" },
        namespace: `ns-${index % 50}`,
        operation: "CREATE",
        object: {
          apiVersion: "v1",
          kind: "Pod",
          metadata: {
            generateName: `web-${index}-5d4f-`,
            labels: { app: `web-${index}`, version: `v${index % 7}`, "pod-template-hash": "5d4f" },
            annotations:
              index % 3 === 0 ? { "traffic.sidecar.istio.io/excludeOutboundPorts": String(index % 60_000) } : {},
            ownerReferences: [
              { apiVersion: "apps/v1", kind: "ReplicaSet", name: `web-${index}-5d4f`, controller: true },
            ],
          },
          spec: {
            serviceAccountName: `sa-${index % 100}`,
            containers: [
              {
                name: "web",
                image: `registry.example/web:${index}`,
                ports: [{ name: "http", containerPort: 1_024 + (index % 60_000) }],
                readinessProbe: { httpGet: { path: "/ready", port: "http" } },
                livenessProbe: { httpGet: { path: "/live", port: "http" } },
                resources: { requests: { cpu: "100m", memory: "128Mi" } },
                env: [{ name: "INDEX", value: String(index) }],
                volumeMounts: [
                  { name: "token", mountPath: "/var/run/secrets/kubernetes.io/serviceaccount", readOnly: true },
                ],
              },
            ],
            volumes: [{ name: "token", projected: { sources: [{ serviceAccountToken: { path: "token" } }] } }],
          },
        },
      },
    }),
  );
}

/** Injections from the body of a request to the body of its answer: reading, deciding, template, patch, writing. */
export async function injectFigures(): Promise<Figure[]> {
  const context = injectContext({ config: parseInjectConfig("{}"), values: withDefaults({}) });
  const bodies = reviews();
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    for (const body of bodies) JSON.stringify(reviewPod(JSON.parse(body), context).body);
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / PODS);
  }
  return [
    {
      what: `injection of ${PODS} different pods`,
      value: `${Math.round(1e6 / best)} a second and core`,
      cpu: `${best.toFixed(0)} µs each`,
      goal: "3,000 a second and core",
    },
  ];
}
