import { contentHash, ineffectiveFields, type Resource, type WasmPluginSpec } from "@xebec/model-resources";
import { withReplaced } from "../../collections/by-age.ts";
import { PersistentMap } from "../../collections/persistent-map.ts";
import { attached, unlessUnused } from "../conditions.ts";
import { type ConfigKind, type KnownProxies, namedObject } from "../kind.ts";
import type { MeshState } from "../mesh-config/state.ts";
import { policyLabels } from "../shared/policy-selection.ts";
import { type WasmPlugin, type WasmPluginState, wasmPluginKeys } from "./state.ts";

export const wasmPluginKind = {
  group: "extensions.istio.io",
  kind: "WasmPlugin",
  keys: wasmPluginKeys,
  initial: (): WasmPluginState => ({ wasmPlugins: PersistentMap.empty() }),
  make: (resource) => ({
    ...namedObject(resource),
    spec: (resource as Resource<WasmPluginSpec>).spec,
    revision: contentHash(resource),
  }),
  selectorLabels: policyLabels,
  replace({ state, changed, batch }, before, after) {
    const namespace = (before ?? after)?.namespace;
    if (namespace === undefined) return;
    const list = withReplaced(state.wasmPlugins.get(namespace) ?? [], before, after);
    state.wasmPlugins = state.wasmPlugins.edit([[namespace, list.length > 0 ? list : undefined]], batch);
    changed.add(wasmPluginKeys.wasmPlugins(namespace));
  },
  *parts({ wasmPlugins }) {
    for (const [namespace, list] of wasmPlugins.entries()) yield [wasmPluginKeys.wasmPlugins(namespace), list];
  },
  *conditions({ wasmPlugins }, proxies: KnownProxies) {
    for (const list of wasmPlugins.values())
      for (const { key, spec } of list)
        yield unlessUnused(attached(key, ineffectiveFields("extensions.istio.io", "WasmPlugin", spec)), proxies);
  },
} satisfies ConfigKind<WasmPlugin, WasmPluginState, WasmPluginState & MeshState>;
