import { XebecError } from "@xebec/core-errors";
import { decisionSteps, type InjectContext, type Pod, podWebhooksOf, refusalOf } from "@xebec/injector-template";
import type { KubeClient, KubeObject, ResourceType } from "@xebec/platform-kube";
import { type InjectSettingsOptions, injectSettings } from "../inject-settings.ts";
import { type ClusterFlags, openCluster } from "../kube-client.ts";
import { print, table } from "../output.ts";

export interface CheckInjectOptions extends ClusterFlags, InjectSettingsOptions {
  readonly namespace: string;
  /** Labels of pods that need not be there: `app=web,version=v1`. */
  readonly labels?: string;
}

interface Subject {
  readonly pod: Pod;
  readonly namespace: string;
}

/** By the name that users write. */
const TEMPLATES: Readonly<Record<string, readonly [group: string, kind: string, plural: string]>> = {
  deployment: ["apps", "Deployment", "deployments"],
  statefulset: ["apps", "StatefulSet", "statefulsets"],
  daemonset: ["apps", "DaemonSet", "daemonsets"],
  replicaset: ["apps", "ReplicaSet", "replicasets"],
  job: ["batch", "Job", "jobs"],
};
const SHORT: Readonly<Record<string, string>> = {
  ...{ deploy: "deployment", sts: "statefulset", ds: "daemonset", rs: "replicaset", po: "pod" },
};

/** `istioctl x check-inject [TYPE/]NAME[.NAMESPACE]`: which webhooks take a pod, and why not. */
export async function checkInject(name: string | undefined, options: CheckInjectOptions): Promise<number> {
  const client = await openCluster(options);
  try {
    const { RESOURCES, listObjects } = await import("@xebec/platform-kube");
    const { pod, namespace } = await subjectOf(client, name, options);
    const { metadata } = await client.get(RESOURCES.namespaces, { name: namespace });
    const webhooks: ReturnType<typeof podWebhooksOf> = [];
    await listObjects(client, RESOURCES.mutatingWebhooks, {}, (each) => void webhooks.push(...podWebhooksOf(each)));
    const asked = webhooks.map((each) => ({
      each,
      refusal: refusalOf(each, metadata.labels ?? {}, pod.metadata?.labels ?? {}),
    }));
    const last = asked.some(({ refusal }) => refusal === undefined)
      ? refusedByInjector({ pod, namespace }, await injectSettings(options, client))
      : undefined;
    const rows = asked.map(({ each, refusal }) => {
      const reason = refusal ?? last ?? "the labels of namespace and pod fit";
      const isInjected = refusal === undefined && last === undefined;
      return [each.configuration, each.revision, isInjected ? "\u2714" : "\u2718", reason];
    });
    if (rows.length === 0) throw new XebecError("not_found", "there is no webhook of an injector in the cluster");
    print(table(["WEBHOOK", "REVISION", "INJECTED", "REASON"], rows));
    return 0;
  } finally {
    client.close();
  }
}

/** Why the injector leaves a pod as it is that comes to it. */
function refusedByInjector({ pod, namespace }: Subject, { config }: InjectContext): string | undefined {
  const last = decisionSteps(pod, namespace, config).at(-1);
  return last?.inject === false ? last.reason : undefined;
}

async function subjectOf(
  client: KubeClient,
  given: string | undefined,
  { namespace: own, labels }: CheckInjectOptions,
): Promise<Subject> {
  if (given === undefined) {
    if (labels === undefined)
      throw new XebecError("invalid_argument", "name a pod, TYPE/NAME[.NAMESPACE], or its labels with -l");
    return { pod: { metadata: { labels: labelsOf(labels) }, spec: { containers: [] } }, namespace: own };
  }
  const [, typeName = "pod", text = ""] = /^(?:([^/]*)\/)?(.*)$/.exec(given) ?? [];
  const at = text.indexOf(".");
  const [name, namespace] = at > 0 ? [text.slice(0, at), text.slice(at + 1)] : [text, own];
  const { RESOURCES } = await import("@xebec/platform-kube");
  const singular = typeName.toLowerCase().replace(/s$/, (end) => (typeName.toLowerCase() in SHORT ? end : ""));
  const type = SHORT[typeName.toLowerCase()] ?? singular;
  if (type === "pod")
    return { pod: await client.get<KubeObject & Pod>(RESOURCES.pods, { namespace, name }), namespace };
  const [group, kind, plural] = TEMPLATES[type] ?? [];
  if (group === undefined || kind === undefined || plural === undefined)
    throw new XebecError(
      "invalid_argument",
      `"${typeName}" makes no pods; use pod, ${Object.keys(TEMPLATES).join(", ")}`,
    );
  const found = await client.get<KubeObject & { spec?: { template?: Pod } }>(
    { group, version: "v1", kind, plural } satisfies ResourceType,
    { namespace, name },
  );
  return { pod: found.spec?.template ?? { spec: { containers: [] } }, namespace };
}

/** @throws XebecError invalid_argument */
function labelsOf(text: string): Record<string, string> {
  return Object.fromEntries(
    text.split(",").map((each) => {
      const [key, value, more] = each.split("=");
      if (!key || value === undefined || more !== undefined)
        throw new XebecError("invalid_argument", `-l: "${each}" is not KEY=VALUE`);
      return [key, value];
    }),
  );
}
