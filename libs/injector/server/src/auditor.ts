import type { Component } from "@xebec/core-lifecycle";
import { compose } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import type { Metrics } from "@xebec/core-metrics";
import {
  auditPod,
  type Container,
  type Finding,
  type InjectContext,
  type Pod,
  type PodWebhook,
  podWebhooksOf,
} from "@xebec/injector-template";
import { createReflector, type KubeClient, type KubeObject, RESOURCES } from "@xebec/platform-kube";

const log = logger("audit");
/** A change is looked at after this, with what else has come, in milliseconds: a rollout changes many pods. */
const QUIET_MS = 1_000;
/** What of a pod's annotations decides about its proxy. */
const ANNOTATIONS = ["sidecar.istio.io/inject", "sidecar.istio.io/status", "sidecar.istio.io/proxyImage"] as const;

export interface AuditorOptions {
  readonly client: KubeClient;
  readonly metrics: Metrics;
  /** What pods are injected with now. */
  readonly context: () => InjectContext;
  readonly quietMs?: number;
}

/**
 * Follows the pods of a cluster, and names those that should have a proxy and have none, or an old one: in the log, once, and as the
 * metric `xebec_injector_pods_to_recreate`.
 */
export function createAuditor({ client, metrics, context, quietMs = QUIET_MS }: AuditorOptions): Component {
  const pods = new Map<string, Pod>();
  const namespaces = new Map<string, Readonly<Record<string, string>>>();
  const webhooks = new Map<string, readonly PodWebhook[]>();
  const count = metrics.gauge(
    "xebec_injector_pods_to_recreate",
    "Pods that should have a proxy and have none (missing), or have an old one (outdated).",
    ["problem"],
  );
  let known = new Map<string, Finding>();
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    timer = undefined;
    const all = [...webhooks.values()].flat();
    const now = context();
    const found = new Map<string, Finding>();
    for (const [key, pod] of pods) {
      const namespace = pod.metadata?.namespace ?? "default";
      const finding = auditPod(
        { pod, namespace, namespaceLabels: namespaces.get(namespace) ?? {}, webhooks: all },
        now,
      );
      if (finding) found.set(key, finding);
    }
    for (const [pod, { text }] of found) if (known.get(pod)?.text !== text) log.warn({ pod }, `the pod ${text}`);
    for (const problem of ["missing", "outdated"] as const)
      count.set({ problem }, [...found.values()].filter((each) => each.problem === problem).length);
    known = found;
  };
  const follow = <T>(
    map: Map<string, T>,
    type: Parameters<typeof createReflector>[0]["type"],
    project: (object: KubeObject) => T,
  ) =>
    createReflector<T>({
      ...{ client, type, project },
      changed({ puts, deletes }) {
        for (const key of deletes) map.delete(key);
        for (const [key, value] of puts) map.set(key, value);
        timer ??= setTimeout(look, quietMs).unref();
      },
    });
  const parts = compose("audit", [
    follow(namespaces, RESOURCES.namespaces, ({ metadata }) => metadata.labels ?? {}),
    follow(webhooks, RESOURCES.mutatingWebhooks, podWebhooksOf),
    follow(pods, RESOURCES.pods, smallPod),
  ]);
  return {
    name: "audit",
    start: (signal) => parts.start(signal),
    async close() {
      clearTimeout(timer);
      await parts.close?.();
    },
  };
}

/** Of a pod what decides about its proxy; nothing else is kept. */
function smallPod(object: KubeObject): Pod {
  const { metadata, spec = {} } = object as KubeObject & Pod;
  const { labels = {}, annotations = {}, namespace = "default", name } = metadata;
  const small = (list: readonly Container[] | undefined) =>
    (list ?? []).map(({ name, image = "" }) => ({ name, image }));
  return {
    metadata: {
      ...{ name, namespace, labels },
      annotations: Object.fromEntries(
        ANNOTATIONS.flatMap((each) => (annotations[each] === undefined ? [] : [[each, annotations[each]]])),
      ),
    },
    spec: {
      ...(spec.hostNetwork ? { hostNetwork: true } : {}),
      containers: small(spec.containers),
      initContainers: small(spec.initContainers),
    },
  };
}
