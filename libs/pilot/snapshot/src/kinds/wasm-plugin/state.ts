import type { WasmPluginSpec } from "@xebec/model-resources";
import type { PersistentMap } from "../../collections/persistent-map.ts";
import { Query } from "../../query.ts";
import type { NamedObject } from "../kind.ts";
import type { MeshState } from "../mesh-config/state.ts";
import { policySelects, type SelectedProxy } from "../shared/policy-selection.ts";

export interface WasmPlugin extends NamedObject {
  readonly spec: WasmPluginSpec;
  /** Changes with the object: a module that is always pulled is pulled again. */
  readonly revision: string;
}

export interface WasmPluginState {
  /** By namespace, the oldest first. */
  readonly wasmPlugins: PersistentMap<readonly WasmPlugin[]>;
}

export const wasmPluginKeys = {
  wasmPlugins: (namespace: string): string => `wasm-plugins/${namespace}`,
} as const;

const NONE: readonly WasmPlugin[] = [];

/**
 * The plugins of a proxy, in the order in which traffic passes them within a phase: by priority, then those of the root namespace, then
 * the oldest (docs/reference/pilot.md §3.11).
 */
export const wasmPluginsOf = new Query(
  ({ wasmPlugins, mesh }: WasmPluginState & MeshState, keys, proxy: SelectedProxy): readonly WasmPlugin[] => {
    const found = [...new Set([mesh.rootNamespace, proxy.namespace])].flatMap((namespace) => {
      keys.add(wasmPluginKeys.wasmPlugins(namespace));
      const list = wasmPlugins.get(namespace);
      return list ? list.filter((each) => policySelects(each, mesh.rootNamespace, proxy)) : [];
    });
    return found.length === 0 ? NONE : found.toSorted((a, b) => priorityOf(b) - priorityOf(a));
  },
);

/** One without a priority comes behind all others, as in Istio. */
function priorityOf({ spec }: WasmPlugin): number {
  return spec.priority ?? Number.MIN_SAFE_INTEGER;
}

/** How a module is had: from the proxy's own files, over HTTP, or from a registry of images. */
export type ModuleSource = "file" | "http" | "oci";

export function moduleSourceOf({ url }: Pick<WasmPluginSpec, "url">): ModuleSource {
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):\/\//.exec(url)?.[1]?.toLowerCase();
  if (scheme === "file") return "file";
  return scheme === "http" || scheme === "https" ? "http" : "oci";
}
