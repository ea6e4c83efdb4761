import { labelsMatch } from "@xebec/model-names";
import { ineffectiveFields, type ProxyConfigSpec, type Resource } from "@xebec/model-resources";
import type { PodRecord } from "@xebec/model-workloads";
import { withReplaced } from "../../collections/by-age.ts";
import { PersistentMap } from "../../collections/persistent-map.ts";
import { attached, ignored } from "../conditions.ts";
import { type ConfigKind, type NamedObject, namedObject, type ObjectCondition } from "../kind.ts";
import type { MeshState } from "../mesh-config/state.ts";

/**
 * What proxies start with. The injector reads these objects; pilot says whom each of them is for, since it knows the pods.
 */
interface ProxyConfigObject extends NamedObject {
  readonly spec: ProxyConfigSpec;
}

interface ProxyConfigState {
  /** By namespace, the oldest first. */
  readonly proxyConfigs: PersistentMap<readonly ProxyConfigObject[]>;
}

/** What conditions read besides. */
interface PodState {
  readonly pods: { values(): Iterable<PodRecord> };
}

const keys = { proxyConfig: (namespace: string): string => `proxy-config/${namespace}` } as const;

export const proxyConfigKind = {
  group: "networking.istio.io",
  kind: "ProxyConfig",
  keys,
  initial: (): ProxyConfigState => ({ proxyConfigs: PersistentMap.empty() }),
  make: (resource) => ({ ...namedObject(resource), spec: (resource as Resource<ProxyConfigSpec>).spec }),
  replace({ state, changed, batch }, before, after) {
    const namespace = (before ?? after)?.namespace;
    if (namespace === undefined) return;
    const list = withReplaced(state.proxyConfigs.get(namespace) ?? [], before, after);
    state.proxyConfigs = state.proxyConfigs.edit([[namespace, list.length > 0 ? list : undefined]], batch);
    changed.add(keys.proxyConfig(namespace));
  },
  *parts({ proxyConfigs }) {
    for (const [namespace, list] of proxyConfigs.entries()) yield [keys.proxyConfig(namespace), list];
  },
  *conditions({ proxyConfigs, mesh, pods }) {
    if (proxyConfigs.size === 0) return;
    const all = [...pods.values()];
    for (const list of proxyConfigs.values())
      for (const each of list) yield conditionOf(each, list, mesh.rootNamespace, all);
  },
} satisfies ConfigKind<ProxyConfigObject, ProxyConfigState, ProxyConfigState & MeshState & PodState>;

const AT_INJECTION = "pods get it when they are made; those that run keep what they were injected with";
const MOST_NAMES = 5;

/** @param list those of its namespace, the oldest first */
function conditionOf(
  each: ProxyConfigObject,
  list: readonly ProxyConfigObject[],
  rootNamespace: string,
  pods: readonly PodRecord[],
): ObjectCondition {
  const { key, namespace, spec } = each;
  const selector = spec.selector?.matchLabels ?? {};
  const isGeneral = Object.keys(selector).length === 0;
  const older = list.find(
    (one) => JSON.stringify(one.spec.selector?.matchLabels ?? {}) === JSON.stringify(selector),
  ) as ProxyConfigObject;
  if (older !== each)
    return ignored(
      key,
      "NoProxyAffected",
      `the older ${older.name} is for the same workloads; only one of them can hold`,
    );
  const unused = ineffectiveFields("networking.istio.io", "ProxyConfig", spec);
  if (isGeneral && namespace === rootNamespace)
    return attached(key, unused, `is for all workloads of the mesh; ${AT_INJECTION}`);
  const selected = pods.filter((pod) => pod.namespace === namespace && labelsMatch(selector, pod.labels));
  if (selected.length === 0)
    return isGeneral
      ? attached(key, unused, `is for workloads of the namespace ${namespace}, which has none; ${AT_INJECTION}`)
      : ignored(
          key,
          "NoProxySelected",
          [`no workload of the namespace ${namespace} has the labels of the selector; ${AT_INJECTION}`, ...unused].join(
            "; ",
          ),
        );
  const names = [...new Set(selected.map(({ workload, name }) => workload?.name ?? name))].sort();
  const shown = names.slice(0, MOST_NAMES).join(", ");
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : "";
  return attached(key, unused, `is for ${shown}${more}; ${AT_INJECTION}`);
}
