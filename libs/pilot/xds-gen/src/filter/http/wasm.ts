import { RBACSchema } from "@xebec/api-envoy/envoy/extensions/filters/http/rbac/v3/rbac";
import { WasmSchema } from "@xebec/api-envoy/envoy/extensions/filters/http/wasm/v3/wasm";
import type { BuiltExtensionConfig, BuiltHttpFilter } from "../../build/built.ts";
import type { Scope } from "../../scope/scope.ts";
import type { HttpConnection } from "../connection.ts";
import { fallbackConfig, pluginConfig } from "../wasm/plugin-config.ts";
import {
  comesByAgent,
  PLUGIN_PREFIX,
  pluginResource,
  pluginsFor,
  pluginsOf,
  pluginType,
  readResource,
} from "../wasm/plugins.ts";
import { discoveredFilter } from "./discovered-filter.ts";
import type { HttpFilter } from "./http-filter.ts";

type Phase = Parameters<typeof pluginsFor>[3];

function filtersOf(scope: Scope, connection: HttpConnection, phase: Phase): BuiltHttpFilter[] {
  return pluginsFor(scope, connection, "HTTP", phase).map((plugin) => ({
    ...discoveredFilter(pluginResource(scope, plugin), [WasmSchema.typeName, RBACSchema.typeName], comesByAgent(scope)),
    configKeys: [plugin.key],
  }));
}

/** Plugins before authentication. */
export const wasmBeforeAuthentication: HttpFilter = {
  name: `${PLUGIN_PREFIX}AUTHN`,
  phase: "wasmAuthentication",
  listener: (scope, connection) => filtersOf(scope, connection, "AUTHN"),
};

/** Plugins before authorization. */
export const wasmBeforeAuthorization: HttpFilter = {
  name: `${PLUGIN_PREFIX}AUTHZ`,
  phase: "wasmAuthorization",
  listener: (scope, connection) => filtersOf(scope, connection, "AUTHZ"),
};

/** All other plugins. The configuration of every plugin comes by discovery: a changed one is for the next request. */
export const wasm: HttpFilter = {
  name: PLUGIN_PREFIX,
  phase: "wasm",
  listener: (scope, connection) => [
    ...filtersOf(scope, connection, "STATS"),
    ...filtersOf(scope, connection, "UNSPECIFIED_PHASE"),
  ],
  extensionConfig: (scope, name) => (name.startsWith(PLUGIN_PREFIX) ? configNamed(scope, name) : undefined),
};

function configNamed(scope: Scope, name: string): BuiltExtensionConfig {
  const all = pluginsOf(scope);
  const found = all.find((each) => pluginResource(scope, each) === name);
  if (found) return { name, message: pluginConfig(scope, found), configKeys: [found.key] };
  // Listeners that drain ask for a plugin that is gone, or had elsewhere by now.
  const { plugin, type } = readResource(name);
  const moved = all.find((each) => `${each.namespace}.${each.name}` === plugin && pluginType(each.spec) === type);
  const isOpen = moved === undefined || moved.spec.failStrategy === "FAIL_OPEN";
  return { name, message: fallbackConfig(type === "NETWORK", isOpen), configKeys: [] };
}
