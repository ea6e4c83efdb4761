import type { InjectContext } from "./context.ts";
import { decide, decisionSteps } from "./decide.ts";
import { STATUS } from "./earlier-injection.ts";
import { at } from "./fields.ts";
import { type Container, type Pod, PROXY } from "./pod.ts";
import { type PodWebhook, refusalOf } from "./webhooks.ts";

/** A pod that is there, and what decides about its proxy. */
export interface AuditedPod {
  readonly pod: Pod;
  readonly namespace: string;
  readonly namespaceLabels: Readonly<Record<string, string>>;
  readonly webhooks: readonly PodWebhook[];
}

export interface Finding {
  /** `missing`: it should have a proxy and has none. `outdated`: its proxy is of another revision or image than a new one would be. */
  readonly problem: "missing" | "outdated";
  readonly text: string;
}

/**
 * Says what is wrong with a pod's proxy: it was made while the webhook was away or its namespace without label, or it has run since an
 * earlier version.
 * @returns undefined when nothing is
 */
export function auditPod(
  { pod, namespace, namespaceLabels, webhooks }: AuditedPod,
  context: InjectContext,
): Finding | undefined {
  const proxy = proxyOf(pod);
  const labels = pod.metadata?.labels ?? {};
  if (!proxy) {
    const webhook = webhooks.find((each) => refusalOf(each, namespaceLabels, labels) === undefined);
    if (!webhook || !decide(pod, namespace, context.config).inject) return undefined;
    return { problem: "missing", text: `has no proxy, although ${webhook.name} asks for one; create it again` };
  }
  const status = pod.metadata?.annotations?.[STATUS];
  if (status === undefined) return undefined;
  const revision = revisionOf(status);
  const own = context.revision || "default";
  if (revision !== own) return undefined;
  const isCustom = pod.metadata?.annotations?.["sidecar.istio.io/proxyImage"] !== undefined;
  const [name, wanted] = [withoutVariant(proxy.image ?? ""), withoutVariant(context.proxyImage)];
  if (isCustom || name === wanted) return undefined;
  return {
    problem: "outdated",
    text: `has the proxy ${proxy.image}, a new one would be ${context.proxyImage}; create it again`,
  };
}

/** Each rule that decides about a pod's proxy, in the order in which they are asked, in words. */
export function explainInjection(
  { pod, namespace, namespaceLabels, webhooks }: AuditedPod,
  context: InjectContext,
): string[] {
  const labels = pod.metadata?.labels ?? {};
  const asked = webhooks.map((each) => ({ each, refusal: refusalOf(each, namespaceLabels, labels) }));
  const lines = asked.map(
    ({ each, refusal }) =>
      `webhook ${each.name} (${each.configuration}, revision ${each.revision}): ${refusal ? `no, ${refusal}` : "yes, the pod comes to the injector"}`,
  );
  if (webhooks.length === 0) lines.push("there is no webhook of an injector: no pod comes to one");
  const comes = asked.some(({ refusal }) => refusal === undefined);
  for (const { rule, inject, reason } of decisionSteps(pod, namespace, context.config)) {
    const verdict = inject === undefined ? "goes on" : inject ? "yes" : "no";
    lines.push(`injector, ${rule}: ${verdict}, ${reason}`);
  }
  const wanted = comes && decide(pod, namespace, context.config).inject;
  lines.push(wanted ? "a pod like this gets a proxy" : "a pod like this gets no proxy");
  const proxy = proxyOf(pod);
  lines.push(proxy ? `the pod has the proxy ${proxy.image}${noted(pod)}` : "the pod has no proxy");
  const finding = auditPod({ pod, namespace, namespaceLabels, webhooks }, context);
  if (finding) lines.push(`the pod ${finding.text}`);
  return lines;
}

function noted(pod: Pod): string {
  const status = pod.metadata?.annotations?.[STATUS];
  return status === undefined ? ", which the pod itself names" : ` of revision ${revisionOf(status)}`;
}

function proxyOf({ spec }: Pod): Container | undefined {
  return [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].find(({ name }) => name === PROXY);
}

function revisionOf(status: string): string {
  try {
    return String(at(JSON.parse(status), "revision") ?? "default");
  } catch {
    return "default";
  }
}

/** Variants of one version are equally new. */
function withoutVariant(image: string): string {
  return image.replace(/-(?:debug|distroless)$/, "");
}
