import { inboundCluster } from "@xebec/model-names";
import type { BuiltInlineRouteConfiguration, BuiltRoute } from "../../build/built.ts";
import type { HttpConnection } from "../../filter/connection.ts";
import { virtualHostSettings } from "../../filter/http/registry.ts";
import { NO_TIMEOUT } from "../../route/route-timeout.ts";
import type { Scope } from "../../scope/scope.ts";
import type { ServiceTarget } from "../../scope/workload.ts";

/** What a port's HTTP goes through: on to the workload, whatever host it is for. */
export function inboundHttp(scope: Scope, target: ServiceTarget, listener: string): HttpConnection {
  return {
    protocol: "http",
    kind: "inbound",
    statPrefix: `inbound_${listener}`,
    serviceNamespace: target.serviceNamespace,
    grpcWeb: target.protocol === "GRPC-Web",
    routes: { inline: routesOf(scope, target) },
  };
}

function routesOf(scope: Scope, target: ServiceTarget): BuiltInlineRouteConfiguration {
  const name = inboundCluster(target.targetPort);
  const virtualHost = {
    name: `inbound|http|${target.servicePort}`,
    domains: ["*"],
    message: { typedPerFilterConfig: virtualHostSettings(scope, { kind: "inbound", service: target }) },
    routes: [routeOf(target)],
    configKeys: [],
  };
  return { name, message: { validateClusters: false }, virtualHosts: [virtualHost], configKeys: [] };
}

function routeOf({ host, servicePort, targetPort, protocol }: ServiceTarget): BuiltRoute {
  return {
    message: {
      name: "default",
      match: { pathSpecifier: { case: "prefix", value: "/" } },
      decorator: { operation: `${host}:${servicePort}/*` },
      action: {
        case: "route",
        value: {
          clusterSpecifier: { case: "cluster", value: inboundCluster(targetPort) },
          ...NO_TIMEOUT,
          ...retriesOf(protocol),
        },
      },
    },
    configKeys: [],
  };
}

/**
 * A workload may close a connection just when the proxy takes it: what was not sent yet is sent again
 * (docs/reference/pilot.md §3.1, Retries). Not for gRPC, whose streams may last.
 */
function retriesOf(protocol: ServiceTarget["protocol"]) {
  if (protocol === "GRPC" || protocol === "GRPC-Web") return {};
  return { retryPolicy: { retryOn: "reset-before-request", numRetries: 2 } };
}
