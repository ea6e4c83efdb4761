import { anyOf } from "@xebec/api-envoy";
import { HTTPFaultSchema } from "@xebec/api-envoy/envoy/extensions/filters/http/fault/v3/fault";
import { RouterSchema } from "@xebec/api-envoy/envoy/extensions/filters/http/router/v3/router";
import { HttpConnectionManagerSchema } from "@xebec/api-envoy/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager";
import { outboundCluster } from "@xebec/model-names";
import type { BuiltListener } from "../../build/built.ts";
import { fault } from "../../filter/http/fault.ts";
import { router } from "../../filter/http/router.ts";
import { grpcTarget } from "../../scope/grpc-service.ts";
import { resolutionFor } from "../../scope/resolution.ts";
import type { Scope } from "../../scope/scope.ts";

/**
 * The listener of gRPC's own clients for `xds:///HOST:PORT`, which has the name that they asked for. It leads to the route table of
 * the service's port.
 * @returns undefined when there is no such service, or none that they can call
 */
export function apiListener(scope: Scope, name: string): BuiltListener | undefined {
  const target = grpcTarget(scope, name);
  if (!target || resolutionFor(scope.proxyClass, target.service) === "passthrough") return undefined;
  const { service, port } = target;
  const manager = anyOf(HttpConnectionManagerSchema, {
    routeSpecifier: {
      case: "rds",
      value: {
        routeConfigName: outboundCluster(port.number, "", service.host),
        configSource: { resourceApiVersion: 2, configSourceSpecifier: { case: "ads", value: {} } },
      },
    },
    httpFilters: [
      { name: fault.name, configType: { case: "typedConfig", value: anyOf(HTTPFaultSchema, {}) } },
      { name: router.name, configType: { case: "typedConfig", value: anyOf(RouterSchema, {}) } },
    ],
  });
  return { name, message: { apiListener: { apiListener: manager } }, filterChains: [], configKeys: service.configKeys };
}
