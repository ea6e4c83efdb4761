import { type AnalyzedObject, type Fields, fields, items, text, textMap } from "./object.ts";

/** Pods that an object makes, or a pod. */
export interface PodTemplate {
  readonly object: AnalyzedObject;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly containers: readonly Fields[];
  readonly spec: Fields;
  /** The pod template within the object. */
  readonly path: readonly string[];
}

const TEMPLATE_PATHS: Readonly<Record<string, readonly string[]>> = {
  Deployment: ["spec", "template"],
  StatefulSet: ["spec", "template"],
  DaemonSet: ["spec", "template"],
  ReplicaSet: ["spec", "template"],
  Job: ["spec", "template"],
  CronJob: ["spec", "jobTemplate", "spec", "template"],
  Pod: [],
};

/** The pods of an object; undefined for an object that makes none. */
export function podTemplateOf(object: AnalyzedObject): PodTemplate | undefined {
  const path = TEMPLATE_PATHS[object.kind];
  if (!path || !["", "apps", "batch", "extensions"].includes(object.group)) return undefined;
  const template = path.reduce<Fields>((value, field) => fields(value[field]), object.value);
  const metadata = fields(template.metadata);
  const spec = fields(template.spec);
  return {
    object,
    namespace: object.namespace,
    labels: textMap(metadata.labels),
    annotations: textMap(metadata.annotations),
    containers: items(spec.containers),
    spec,
    path,
  };
}

/** Whether pods have a sidecar by what they and their namespace say (docs/reference/platform.md, injection). */
export function isInjected(pod: PodTemplate, namespaceLabels: Readonly<Record<string, string>> | undefined): boolean {
  const own = pod.labels["sidecar.istio.io/inject"] ?? pod.annotations["sidecar.istio.io/inject"];
  if (own !== undefined) return own === "true";
  if (pod.spec.hostNetwork === true) return false;
  return namespaceLabels !== undefined && isInjectedNamespace(namespaceLabels);
}

/** Whether a namespace asks for sidecars. */
export function isInjectedNamespace(labels: Readonly<Record<string, string>>): boolean {
  if (labels["istio-injection"] !== undefined) return labels["istio-injection"] === "enabled";
  return labels["istio.io/rev"] !== undefined;
}

/** Whether the pod has a proxy already, as one that was injected by hand. */
export function hasProxy({ containers, spec }: PodTemplate): boolean {
  return [...containers, ...items(spec.initContainers)].some(({ name }) => text(name) === "istio-proxy");
}
