import type { Bootstrap } from "@xebec/api-envoy/envoy/config/bootstrap/v3/bootstrap";
import type { Cluster } from "@xebec/api-envoy/envoy/config/cluster/v3/cluster";
import type { TypedExtensionConfig } from "@xebec/api-envoy/envoy/config/core/v3/extension";
import type { Listener } from "@xebec/api-envoy/envoy/config/listener/v3/listener";
import type { RouteConfiguration } from "@xebec/api-envoy/envoy/config/route/v3/route";
import type { VirtualHost } from "@xebec/api-envoy/envoy/config/route/v3/route_components";
import type { EnvoyFilterApplyTo } from "@xebec/model-resources";
import { envoyFiltersOf } from "@xebec/pilot-snapshot";
import type { Scope } from "../../scope/scope.ts";
import type { Addition, AdditionKind, KnownPatch, PatchPoint, PatchSource } from "../patch.ts";
import { type CompiledPatch, compiledPatches } from "./compiled.ts";
import { builtCluster, builtExtensionConfig, builtListener, builtVirtualHost } from "./from-message.ts";
import { isAdding } from "./lists.ts";
import { matchesContext, matchesProxy, matchesRouteConfiguration } from "./matching.ts";
import { patchAt } from "./patches.ts";

/** What of an EnvoyFilter has something to do at each point. */
const AT: { readonly [P in PatchPoint]: readonly EnvoyFilterApplyTo[] } = {
  cluster: ["CLUSTER"],
  listener: ["LISTENER", "LISTENER_FILTER", "FILTER_CHAIN"],
  filterChain: ["FILTER_CHAIN", "NETWORK_FILTER"],
  networkFilter: ["NETWORK_FILTER", "HTTP_FILTER"],
  httpFilter: ["HTTP_FILTER"],
  routeConfiguration: ["ROUTE_CONFIGURATION"],
  virtualHost: ["VIRTUAL_HOST", "HTTP_ROUTE"],
  route: ["HTTP_ROUTE"],
};

const ADDED: { readonly [K in AdditionKind]: readonly EnvoyFilterApplyTo[] } = {
  cluster: ["CLUSTER"],
  listener: ["LISTENER"],
  virtualHost: ["VIRTUAL_HOST", "ROUTE_CONFIGURATION"],
  extensionConfig: ["EXTENSION_CONFIG"],
  bootstrap: ["BOOTSTRAP"],
};

/** The patches that EnvoyFilters ask for, and what they add (docs/reference/pilot.md §3.6). */
export const envoyFilters: PatchSource<Scope> = {
  concerns: ({ patched }) => patched !== undefined,
  patches: (scope, point) =>
    AT[point].flatMap((applyTo) =>
      patchesOf(scope, applyTo).flatMap((each) => {
        const at = patchAt(each);
        return at[point] ? { configKey: each.configKey, path: each.path, at } : [];
      }),
    ),
  additions: (scope, kind) =>
    ADDED[kind].flatMap((applyTo) => patchesOf(scope, applyTo).flatMap((each) => added(each, kind))),
  *all({ envoyFilters: byNamespace }) {
    for (const list of byNamespace.values()) for (const each of list) yield* compiledPatches(each).map(known);
  },
};

function known(patch: CompiledPatch): KnownPatch {
  const { configKey, path, operation } = patch;
  const id = { configKey, path };
  if (operation === "REMOVE") return id;
  try {
    patch.value();
    return id;
  } catch (error) {
    return { ...id, error: (error as Error).message };
  }
}

function patchesOf(scope: Scope, applyTo: EnvoyFilterApplyTo): readonly CompiledPatch[] {
  const { namespace, patched } = scope.proxyClass;
  if (!patched) return [];
  return scope
    .read(envoyFiltersOf, applyTo, namespace, patched)
    .flatMap((each) => compiledPatches(each).filter((patch) => patch.applyTo === applyTo));
}

function added(patch: CompiledPatch, kind: AdditionKind): Addition<Scope>[] {
  const { configKey, path, applyTo, operation, match } = patch;
  const configKeys = [configKey];
  if (applyTo === "ROUTE_CONFIGURATION")
    return operation !== "MERGE"
      ? []
      : [
          {
            ...{ configKey, path },
            virtualHosts: (scope, table) =>
              matchesRouteConfiguration(scope, patch, table)
                ? (patch.value() as RouteConfiguration).virtualHosts.map((each) => ({
                    ...builtVirtualHost(each),
                    configKeys,
                  }))
                : [],
          },
        ];
  if (applyTo === "BOOTSTRAP")
    return operation === "MERGE"
      ? [
          {
            ...{ configKey, path },
            bootstrap: (scope) => (matchesProxy(scope, patch) ? (patch.value() as Bootstrap) : undefined),
          },
        ]
      : [];
  if (!isAdding(operation)) return [];
  // Without a context it is made once, in the direction out of the proxy.
  const isHere = (scope: Scope): boolean =>
    matchesContext(scope, patch, match.context === "SIDECAR_INBOUND" ? "inbound" : "outbound");
  switch (kind) {
    case "cluster":
      return [
        {
          ...{ configKey, path },
          cluster: (scope) => (isHere(scope) ? { ...builtCluster(patch.value() as Cluster), configKeys } : undefined),
        },
      ];
    case "listener":
      return [
        {
          ...{ configKey, path },
          listener: (scope) =>
            isHere(scope) ? { ...builtListener(patch.value() as Listener), configKeys } : undefined,
        },
      ];
    case "bootstrap":
      return [];
    case "virtualHost":
      return [
        {
          ...{ configKey, path },
          virtualHosts: (scope, table) =>
            matchesRouteConfiguration(scope, patch, table)
              ? [{ ...builtVirtualHost(patch.value() as VirtualHost), configKeys }]
              : [],
        },
      ];
    case "extensionConfig":
      return [
        {
          ...{ configKey, path },
          extensionConfig: () => ({ ...builtExtensionConfig(patch.value() as TypedExtensionConfig), configKeys }),
        },
      ];
  }
}
