import type { WasmPluginSpec } from "@xebec/model-resources";
import { moduleSourceOf, type WasmPlugin, wasmPluginsOf } from "@xebec/pilot-snapshot";
import type { Scope } from "../../scope/scope.ts";
import type { Connection } from "../connection.ts";

type Phase = NonNullable<WasmPluginSpec["phase"]>;
type PluginType = "HTTP" | "NETWORK";

const NONE: readonly WasmPlugin[] = [];

/** All plugins of the class, in the order in which traffic passes them within a phase. gRPC's own clients run none. */
export function pluginsOf(scope: Scope): readonly WasmPlugin[] {
  const { generator } = scope.proxyClass;
  return generator ? NONE : scope.read(wasmPluginsOf, scope.proxyClass);
}

/** The Secret with the credentials for the image of a plugin, as `NAMESPACE/NAME`. */
export function pullSecretOf({ namespace, spec }: WasmPlugin): string | undefined {
  return spec.imagePullSecret && moduleSourceOf(spec) === "oci" ? `${namespace}/${spec.imagePullSecret}` : undefined;
}

export function pluginType({ type }: WasmPluginSpec): PluginType {
  return type === "NETWORK" ? "NETWORK" : "HTTP";
}

/** The plugins of a phase for a connection (docs/reference/pilot.md §3.11). */
export function pluginsFor(
  scope: Scope,
  connection: Connection,
  type: PluginType,
  phase: Phase,
): readonly WasmPlugin[] {
  const all = pluginsOf(scope);
  if (all.length === 0) return NONE;
  return all.filter(
    ({ spec }) =>
      pluginType(spec) === type && (spec.phase ?? "UNSPECIFIED_PHASE") === phase && matches(spec, connection),
  );
}

/** A connection whose port may be any is matched by every port, as in Istio. */
function matches({ match }: WasmPluginSpec, { kind, port }: Connection): boolean {
  if (!match?.length) return true;
  const side = kind === "inbound" ? "SERVER" : "CLIENT";
  return match.some(({ mode = "CLIENT_AND_SERVER", ports }) => {
    if (mode !== side && mode !== "CLIENT_AND_SERVER" && mode !== "UNDEFINED") return false;
    return !ports?.length || port === undefined || ports.some(({ number }) => number === port);
  });
}

/** Istio's prefix. */
export const PLUGIN_PREFIX = "extensions.istio.io/wasmplugin/";
/**
 * Listeners that drain still ask for what a plugin was before: of the other type, or in the other place, it has another configuration.
 */
const SUFFIX = { network: "/network", byAgent: "/fetched" } as const;

/** The name of the configuration that listeners ask for: Istio's, with suffixes for `type: NETWORK` and for what the agent has. */
export function pluginResource(scope: Scope, plugin: WasmPlugin): string {
  const { namespace, name, spec } = plugin;
  const network = pluginType(spec) === "NETWORK" ? SUFFIX.network : "";
  return `${PLUGIN_PREFIX}${namespace}.${name}${network}${comesByAgent(scope) ? SUFFIX.byAgent : ""}`;
}

/** What such a name says: the plugin, as `<namespace>.<name>`, and its type. */
export function readResource(resource: string): { readonly plugin: string; readonly type: PluginType } {
  const [plugin = "", ...suffixes] = resource.slice(PLUGIN_PREFIX.length).split("/");
  return { plugin, type: suffixes.includes(SUFFIX.network.slice(1)) ? "NETWORK" : "HTTP" };
}

/** Where the configuration is asked for: the agent fetches modules, and sees whether files are there. */
export function comesByAgent(scope: Scope): boolean {
  return scope.proxyClass.modules === "agent";
}
