import { labelsMatch } from "@xebec/model-names";
import {
  type EnvoyFilterApplyTo,
  type EnvoyFilterSpec,
  type ProxyMatch,
  regexFinder,
  targetRefsOf,
} from "@xebec/model-resources";
import type { PersistentMap } from "../../collections/persistent-map.ts";
import { Query } from "../../query.ts";
import type { NamedObject } from "../kind.ts";
import type { MeshState } from "../mesh-config/state.ts";
import { policySelects } from "../shared/policy-selection.ts";

export interface EnvoyFilter extends NamedObject {
  readonly spec: EnvoyFilterSpec;
}

export interface EnvoyFilterState {
  /** By namespace, in the order in which they apply. */
  readonly envoyFilters: PersistentMap<readonly EnvoyFilter[]>;
}

export const envoyFilterKeys = {
  /** The patches of a namespace's objects for one sort of target. */
  envoyFilters: (namespace: string, applyTo: EnvoyFilterApplyTo): string => `envoy-filters/${namespace}/${applyTo}`,
} as const;

/** A proxy, as far as EnvoyFilters tell proxies apart. */
export interface PatchedProxy {
  readonly type: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly istioVersion: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** What selects a class of proxies. */
export interface EnvoyFilterSelection {
  /** Keys of the objects with a selector that select it. Those without one are for all of their namespace. */
  readonly selected: readonly string[];
  /** The `match.proxy` of patches that it fits, as JSON. */
  readonly proxies: readonly string[];
}

/** Which EnvoyFilters a proxy is patched by; undefined where there are none. */
export function envoyFilterSelection(
  state: EnvoyFilterState & MeshState,
  proxy: PatchedProxy,
): EnvoyFilterSelection | undefined {
  if (state.envoyFilters.size === 0) return undefined;
  const selected: string[] = [];
  const proxies = new Set<string>();
  let isPatched = false;
  for (const each of candidates(state, proxy.namespace)) {
    if (isSelective(each)) {
      if (!selects(each, state.mesh.rootNamespace, proxy)) continue;
      selected.push(each.key);
    }
    isPatched = true;
    for (const { match } of each.spec.configPatches ?? [])
      if (match?.proxy && fits(match.proxy, proxy)) proxies.add(proxyMatchKey(match.proxy));
  }
  return isPatched ? { selected, proxies: [...proxies].sort() } : undefined;
}

/** How `EnvoyFilterSelection.proxies` has a match. */
export function proxyMatchKey({ proxyVersion = "", metadata = {} }: ProxyMatch): string {
  return JSON.stringify([proxyVersion, Object.entries(metadata).sort()]);
}

/** The EnvoyFilters of a class of proxies that have a patch for a sort of target, in the order in which they apply. */
export const envoyFiltersOf = new Query(
  (
    state: EnvoyFilterState & MeshState,
    keys,
    applyTo: EnvoyFilterApplyTo,
    namespace: string,
    { selected }: EnvoyFilterSelection,
  ): readonly EnvoyFilter[] => {
    for (const each of new Set([state.mesh.rootNamespace, namespace]))
      keys.add(envoyFilterKeys.envoyFilters(each, applyTo));
    return candidates(state, namespace)
      .filter(
        (each) =>
          (!isSelective(each) || selected.includes(each.key)) &&
          (each.spec.configPatches ?? []).some((patch) => patch.applyTo === applyTo),
      )
      .sort((a, b) => priorityOf(a) - priorityOf(b));
  },
);

/** Those of the root namespace before those of the proxy's own. */
function candidates({ envoyFilters, mesh }: EnvoyFilterState & MeshState, namespace: string): EnvoyFilter[] {
  return [...new Set([mesh.rootNamespace, namespace])].flatMap((each) => envoyFilters.get(each) ?? []);
}

const priorityOf = ({ spec }: EnvoyFilter): number => spec.priority ?? 0;

export function isSelective({ spec }: EnvoyFilter): boolean {
  return Object.keys(spec.workloadSelector?.labels ?? {}).length > 0 || targetRefsOf(spec).length > 0;
}

/** Whether an object with a selector selects a proxy. */
export function selects(
  { namespace, spec }: EnvoyFilter,
  rootNamespace: string,
  proxy: Pick<PatchedProxy, "namespace" | "labels">,
): boolean {
  if (targetRefsOf(spec).length > 0)
    return policySelects({ namespace, spec: { targetRefs: targetRefsOf(spec) } }, rootNamespace, proxy);
  if (namespace !== rootNamespace && namespace !== proxy.namespace) return false;
  return labelsMatch(spec.workloadSelector?.labels, proxy.labels);
}

/** Compiled expressions; validation refuses what RE2 does not take. */
const compiled = new Map<string, (text: string) => boolean>();
const MOST_COMPILED = 256;

function fits({ proxyVersion, metadata = {} }: ProxyMatch, proxy: PatchedProxy): boolean {
  if (Object.entries(metadata).some(([name, value]) => proxy.metadata[name] !== value)) return false;
  if (!proxyVersion) return true;
  let regex = compiled.get(proxyVersion);
  if (!regex) {
    regex = regexFinder(proxyVersion);
    if (compiled.size >= MOST_COMPILED) compiled.clear();
    compiled.set(proxyVersion, regex);
  }
  return regex(proxy.istioVersion);
}
