// The objects that the functions of a mesh are tried with.
import { manifestOf } from "./scenario.ts";

/** Requests with this header are denied by a rule of Mixer's. */
export const DENIED_HEADER = "x-compare-denied";
const MIXER = "config.istio.io/v1alpha2";
const metadata = { name: "compare-function", namespace: "default" };

/** A route of the ingress gateway that answers with its number. */
export function routeOf(n: number): string {
  const answer = { status: 200, body: { string: `answer ${n}` } };
  const http = [{ match: [{ uri: { exact: "/compare-function" } }], directResponse: answer }];
  const spec = { hosts: ["*"], gateways: ["bookinfo-gateway"], http };
  return manifestOf([{ apiVersion: "networking.istio.io/v1", kind: "VirtualService", metadata, spec }]);
}

/** A rule that mixer-policy is asked about: Envoy does not compare by regular expressions of Mixer. */
export function denialRule(): string {
  const listed = `request.headers["${DENIED_HEADER}"] | "no"`;
  return manifestOf([
    {
      apiVersion: MIXER,
      kind: "handler",
      metadata,
      spec: { compiledAdapter: "listchecker", params: { overrides: ["^yes$"], entryType: "REGEX", blacklist: true } },
    },
    {
      apiVersion: MIXER,
      kind: "instance",
      metadata,
      spec: { compiledTemplate: "listentry", params: { value: listed } },
    },
    {
      apiVersion: MIXER,
      kind: "rule",
      metadata,
      spec: {
        match: 'destination.labels["app"] == "productpage"',
        actions: [{ handler: metadata.name, instances: [metadata.name] }],
      },
    },
  ]);
}

/** A pod with a proxy. */
export function newPod(name: string): string {
  const labels = { app: name };
  const container = {
    name: "details",
    image: "xebec/examples-bookinfo-details-v1:1.0",
    ports: [{ name: "http", containerPort: 9080 }],
    readinessProbe: { httpGet: { path: "/health", port: 9080 } },
  };
  return manifestOf([
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name, namespace: "default", labels },
      spec: {
        replicas: 1,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [container] } },
      },
    },
  ]);
}
