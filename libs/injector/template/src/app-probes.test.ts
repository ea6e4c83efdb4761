import assert from "node:assert/strict";
import { test } from "node:test";
import jsonPatch from "fast-json-patch";
import { injectContext } from "./context.ts";
import { injectionPatch } from "./inject.ts";
import { parseInjectConfig } from "./inject-config.ts";
import type { Pod } from "./pod.ts";
import { withDefaults } from "./values.ts";

const CONFIG = parseInjectConfig("{}");
const APP = {
  name: "web",
  ports: [{ name: "http", containerPort: 8080 }],
  readinessProbe: {
    httpGet: { path: "/ready", port: "http", scheme: "HTTPS", httpHeaders: [{ name: "x", value: "y" }] },
    timeoutSeconds: 3,
    periodSeconds: 5,
  },
  livenessProbe: { tcpSocket: { port: 8080 } },
  startupProbe: { grpc: { port: 9000, service: "health" } },
  lifecycle: { preStop: { httpGet: { path: "/end", port: 8080 } }, postStart: { exec: { command: ["true"] } } },
};

type Containers = { name: string; env?: { name: string; value: string }[] }[];

function inject(pod: object, rewriteAppHTTPProbe = "true"): { spec: { containers: Containers } } {
  const values = withDefaults({ sidecarInjectorWebhook: { rewriteAppHTTPProbe: rewriteAppHTTPProbe === "true" } });
  const patch = injectionPatch({ pod: pod as Pod, namespace: "default" }, injectContext({ config: CONFIG, values }));
  return jsonPatch.applyPatch(structuredClone(pod), patch as jsonPatch.Operation[], true).newDocument as ReturnType<
    typeof inject
  >;
}

const pod = (annotations: Record<string, string> = {}, containers: object[] = [APP]): object => ({
  metadata: { name: "web", annotations },
  spec: { containers },
});

function probersOf({ spec }: ReturnType<typeof inject>): unknown {
  const text = spec.containers
    .find(({ name }) => name === "istio-proxy")
    ?.env?.find(({ name }) => name === "ISTIO_KUBE_APP_PROBERS")?.value;
  return text && JSON.parse(text);
}

test("probes and hooks that ask a port go through the agent, which knows what they asked", () => {
  const injected = inject(pod());
  const agent = (path: string): object => ({ path, port: 15_020, scheme: "HTTP" });
  assert.deepEqual(injected.spec.containers[0], {
    ...APP,
    readinessProbe: {
      httpGet: { ...agent("/app-health/web/readyz"), httpHeaders: [{ name: "x", value: "y" }] },
      timeoutSeconds: 3,
      periodSeconds: 5,
    },
    livenessProbe: { httpGet: agent("/app-health/web/livez") },
    startupProbe: { httpGet: agent("/app-health/web/startupz") },
    lifecycle: {
      preStop: { httpGet: agent("/app-lifecycle/web/prestopz") },
      postStart: { exec: { command: ["true"] } },
    },
  });
  assert.deepEqual(probersOf(injected), {
    "/app-health/web/readyz": {
      httpGet: { path: "/ready", port: 8080, scheme: "HTTPS", httpHeaders: [{ name: "x", value: "y" }] },
      timeoutSeconds: 3,
    },
    "/app-health/web/livez": { tcpSocket: { port: 8080 } },
    "/app-health/web/startupz": { grpc: { port: 9000, service: "health" } },
    "/app-lifecycle/web/prestopz": { httpGet: { path: "/end", port: 8080 } },
  });
  assert.deepEqual(inject(injected), injected, "a second injection changes nothing");
});

for (const [name, annotations, value, isRewritten] of [
  [
    "the pod's word goes before the installation's",
    { "sidecar.istio.io/rewriteAppHTTPProbers": "false" },
    "true",
    false,
  ],
  ["the pod may want it alone", { "sidecar.istio.io/rewriteAppHTTPProbers": "true" }, "false", true],
  ["the installation may leave it", {}, "false", false],
  ["an agent without a port is not asked", { "status.sidecar.istio.io/port": "0" }, "true", false],
] as const)
  test(name, () => {
    const injected = inject(pod(annotations), value);
    assert.equal(probersOf(injected) !== undefined, isRewritten);
    assert.equal(JSON.stringify(injected.spec.containers[0]) !== JSON.stringify(APP), isRewritten);
  });

test("commands, the agent's own port, a port that has no number, and the proxy's probes stay", () => {
  const container = {
    name: "web",
    readinessProbe: { exec: { command: ["true"] } },
    livenessProbe: { httpGet: { path: "/healthz/ready", port: 15_020 } },
    startupProbe: { tcpSocket: { port: "none" } },
  };
  const injected = inject(pod({}, [container]));
  assert.deepEqual(injected.spec.containers[0], container);
  assert.equal(probersOf(injected), undefined);
});

test("an annotation that is neither true nor false is refused", () => {
  assert.throws(() => inject(pod({ "sidecar.istio.io/rewriteAppHTTPProbers": "maybe" })), {
    code: "invalid_argument",
    message: 'annotation sidecar.istio.io/rewriteAppHTTPProbers: must be "true" or "false", not "maybe"',
  });
});
