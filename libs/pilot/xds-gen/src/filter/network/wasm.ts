import { RBACSchema } from "@xebec/api-envoy/envoy/extensions/filters/network/rbac/v3/rbac";
import { WasmSchema } from "@xebec/api-envoy/envoy/extensions/filters/network/wasm/v3/wasm";
import type { BuiltNetworkFilter } from "../../build/built.ts";
import type { Scope } from "../../scope/scope.ts";
import type { Connection } from "../connection.ts";
import { discoverySource } from "../discovery-source.ts";
import { comesByAgent, PLUGIN_PREFIX, pluginResource, pluginsFor } from "../wasm/plugins.ts";
import type { NetworkFilter } from "./network-filter.ts";

type Phase = Parameters<typeof pluginsFor>[3];

function filtersOf(scope: Scope, connection: Connection, phase: Phase): BuiltNetworkFilter[] {
  if (connection.protocol === "tcp" && connection.clusters.length === 0) return [];
  return pluginsFor(scope, connection, "NETWORK", phase).map((plugin) => ({
    name: pluginResource(scope, plugin),
    message: {
      configType: {
        case: "configDiscovery",
        value: discoverySource([WasmSchema.typeName, RBACSchema.typeName], comesByAgent(scope)),
      },
    },
    configKeys: [plugin.key],
  }));
}

/** Plugins of connections before authorization. */
export const tcpWasmBeforeAuthorization: NetworkFilter = {
  name: `${PLUGIN_PREFIX}AUTHZ`,
  phase: "wasmAuthorization",
  chain: (scope, connection) => [...filtersOf(scope, connection, "AUTHN"), ...filtersOf(scope, connection, "AUTHZ")],
};

/** All other plugins of connections. Their configuration is made where that of HTTP is. */
export const tcpWasm: NetworkFilter = {
  name: PLUGIN_PREFIX,
  phase: "wasm",
  chain: (scope, connection) => [
    ...filtersOf(scope, connection, "STATS"),
    ...filtersOf(scope, connection, "UNSPECIFIED_PHASE"),
  ],
};
