import { probedByAgent, wantsRewrite } from "./agent-probes.ts";
import { annotationWarnings, checkAnnotations } from "./annotations.ts";
import type { InjectContext } from "./context.ts";
import { earlierProxy, LISTS, STATUS, strippedPod } from "./earlier-injection.ts";
import { effectiveProxyConfig } from "./effective-proxy-config.ts";
import { at, type Fields, fieldsOf } from "./fields.ts";
import { withProxyUser } from "./init-user.ts";
import { resolveTemplates } from "./inject-config.ts";
import { type PatchOperation, patchOf } from "./json-patch.ts";
import { orderedContainers, orderedInitContainers } from "./order.ts";
import { isNamed, mergeContainer, OVERRIDES } from "./overrides.ts";
import { type Container, type EnvVar, type Named, type Pod, PROXY, type Workload, workloadOf } from "./pod.ts";
import { earlierMetrics, mergedMetrics } from "./prometheus.ts";
import { strategicMerge } from "./strategic-merge.ts";
import { withStrings } from "./string-fields.ts";
import { templateData } from "./template-data.ts";

/** The templates of a pod, by name. */
export const TEMPLATES = "inject.istio.io/templates";
const NATIVE = "sidecar.istio.io/nativeSidecar";
const NETWORK = "topology.istio.io/network";

export interface InjectedPod {
  readonly pod: Pod;
  readonly namespace: string;
  /** What the pod belongs to; its owners say it when absent. */
  readonly workload?: Workload;
  /** Variables that the proxy gets besides: those of the webhook's path. */
  readonly environment?: Readonly<Record<string, string>>;
}

/**
 * The patch that gives a pod its sidecar (docs/reference/platform.md §4.5). A pod that was injected before first loses what the
 * earlier injection added, so that the result is the same.
 * @throws XebecError invalid_argument for an annotation or template that cannot be used; then nothing is injected
 */
export function injectionPatch(injected: InjectedPod, context: InjectContext): PatchOperation[] {
  return patchOf(injected.pod as Fields, injectPod(injected, context) as Fields);
}

/** What of a pod does not hinder injection, and is hardly meant. */
export function injectionWarnings({ metadata, spec }: Pod): string[] {
  const warnings = annotationWarnings(metadata?.annotations ?? {});
  const policy = at(spec, "dnsPolicy");
  if (policy !== undefined && policy !== "ClusterFirst")
    warnings.push(
      `dnsPolicy is ${String(policy)}: the proxy may not find the control plane, whose names are the cluster's`,
    );
  return warnings;
}

/** The pod with its sidecar. @throws XebecError invalid_argument */
export function injectPod({ pod, namespace, workload, environment = {} }: InjectedPod, context: InjectContext): Pod {
  const given = pod.metadata?.annotations ?? {};
  checkAnnotations(given);
  const earlier = earlierProxy(pod) as Container | undefined;
  const isAgain = given[STATUS] !== undefined;
  const before = withEarlierMetrics(strippedPod(pod), isAgain ? earlier : undefined);
  const annotations = before.metadata?.annotations ?? {};
  const labels = before.metadata?.labels ?? {};
  const proxyConfig = effectiveProxyConfig({ namespace, labels, annotations }, context.mesh);
  const native = annotations[NATIVE] === undefined ? context.nativeSidecars : annotations[NATIVE] === "true";
  const data = templateData(
    { pod: before, namespace, workload: workload ?? workloadOf(pod), proxyConfig, native, environment },
    context,
  );
  const wanted = annotations[TEMPLATES]?.split(",").map((each) => each.trim()) ?? context.config.defaultTemplates;
  let added: Fields = {};
  for (const template of resolveTemplates(context.config, wanted))
    added = strategicMerge(added, withStrings(fieldsOf(template.render(data)))) as Fields;
  const base = movedProxy(before, added);
  const merged = strategicMerge(base, added) as Pod;
  const { lists, overrides } = withOverrides(merged, base, added);
  const user = [...(base.spec?.containers ?? []), ...(base.spec?.initContainers ?? [])].find(
    ({ name }) => name === PROXY,
  );
  const isTproxy = at(data, "InterceptionMode") === "TPROXY";
  const owned = withProxyUser(lists, user, isTproxy);
  // 0 means that there is nothing to ask.
  const statusPort = Number(annotations["status.sidecar.istio.io/port"] ?? at(data, "ProxyConfig", "statusPort"));
  const variables: EnvVar[] = [...environmentOf(environment)];
  let { containers } = owned;
  if (wantsRewrite(merged.metadata?.annotations ?? {}, context.rewritesProbes, statusPort)) {
    const isApp = ({ name }: Named): boolean => name !== PROXY;
    const probed = probedByAgent(containers.filter(isApp), isAgain ? earlier : undefined, statusPort);
    containers = containers.map((each) => probed.apps.find(({ name }) => name === each.name && isApp(each)) ?? each);
    if (probed.probers) variables.push(probed.probers);
  }
  const metrics = statusPort > 0 ? mergedMetrics(annotations, String(statusPort), context.mergesMetrics) : undefined;
  if (metrics?.app) variables.push(metrics.app);
  const network = environment.ISTIO_META_NETWORK;
  const isNative = lists.initContainers.some(({ name }) => name === PROXY);
  const holds = !isNative && isHeld(data);
  const initContainers = orderedInitContainers(owned.initContainers.map((each) => withVariables(each, variables)));
  return {
    ...merged,
    metadata: {
      ...merged.metadata,
      labels: {
        ...merged.metadata?.labels,
        ...(network && labels[NETWORK] === undefined ? { [NETWORK]: network } : {}),
      },
      annotations: {
        ...merged.metadata?.annotations,
        ...metrics?.annotations,
        ...context.config.injectedAnnotations,
        ...(Object.keys(overrides).length > 0 ? { [OVERRIDES]: JSON.stringify(overrides) } : {}),
        [STATUS]: statusOf(added, annotations, context),
      },
    },
    spec: {
      ...merged.spec,
      ...(initContainers.length > 0 ? { initContainers } : {}),
      containers: orderedContainers(
        containers.map((each) => withVariables(each, variables)),
        holds,
      ),
    },
  };
}

function isHeld(data: Fields): boolean {
  const values = at(data, "Values", "global", "proxy", "holdApplicationUntilProxyStarts");
  return at(data, "ProxyConfig", "holdApplicationUntilProxyStarts") === true || values === true;
}

/** What the app's metrics were before an earlier injection has put the agent's in their place. */
function withEarlierMetrics(pod: Pod, earlier: Container | undefined): Pod {
  const metrics = earlierMetrics(earlier);
  if (Object.keys(metrics).length === 0) return pod;
  return { ...pod, metadata: { ...pod.metadata, annotations: { ...pod.metadata?.annotations, ...metrics } } };
}

/** A user's `istio-proxy` stands among the containers, whatever the template makes of it: it follows a native sidecar. */
function movedProxy(pod: Pod, added: Fields): Pod {
  const isNative = containersOf(added, "initContainers").some(({ name }) => name === PROXY);
  const user = pod.spec?.containers?.find(({ name }) => name === PROXY);
  if (!isNative || !user) return pod;
  return {
    ...pod,
    spec: {
      ...pod.spec,
      containers: (pod.spec?.containers ?? []).filter((each) => each !== user),
      initContainers: [...(pod.spec?.initContainers ?? []), user],
    },
  };
}

/** What users wrote for containers of the template goes over it again. */
function withOverrides(merged: Pod, base: Pod, added: Fields) {
  const overrides: Record<string, Named[]> = {};
  const list = (name: "containers" | "initContainers"): readonly Container[] => {
    const own = containersOf(added, name);
    return containersOf(merged, name).map((each) => {
      const template = own.find((other) => other.name === each.name);
      const user = template && base.spec?.[name]?.find((other) => other.name === each.name);
      if (!user) return each;
      overrides[name] = [...(overrides[name] ?? []), user];
      return mergeContainer(each, user) as Container;
    });
  };
  return { lists: { containers: list("containers"), initContainers: list("initContainers") }, overrides };
}

function containersOf(pod: Pod | Fields, list: "containers" | "initContainers"): readonly Container[] {
  const found = at(pod, "spec", list);
  return Array.isArray(found) ? (found.filter(isNamed) as Container[]) : [];
}

function environmentOf(environment: Readonly<Record<string, string>>): EnvVar[] {
  return Object.entries(environment).map(([name, value]) => ({ name, value }));
}

/** The proxy has variables of its own besides; the last value of one counts. */
function withVariables(container: Container, variables: readonly EnvVar[]): Container {
  if (container.name !== PROXY || variables.length === 0) return container;
  const names = new Set(variables.map(({ name }) => name));
  return { ...container, env: [...(container.env ?? []).filter(({ name }) => !names.has(name)), ...variables] };
}

/** What was added, so that a further injection can take it away. */
function statusOf(added: Fields, before: Readonly<Record<string, string>>, context: InjectContext): string {
  const names = (list: string): string[] | null => {
    const found = at(added, "spec", list);
    return Array.isArray(found) ? found.filter(isNamed).map(({ name }) => name) : null;
  };
  const all = { ...fieldsOf(at(added, "metadata", "annotations")), ...context.config.injectedAnnotations };
  const annotations = Object.keys(all).filter((name) => !(name in before));
  return JSON.stringify({
    ...Object.fromEntries(LISTS.map((list) => [list, names(list)])),
    annotations,
    revision: context.revision || "default",
  });
}
