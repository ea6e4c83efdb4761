import { inboundCluster } from "@xebec/model-names";
import type { BuiltInlineRouteConfiguration, BuiltRoute } from "../../build/built.ts";
import type { CalledService, HttpConnection } from "../../filter/connection.ts";
import { virtualHostSettings } from "../../filter/http/registry.ts";
import { NO_TIMEOUT } from "../../route/route-timeout.ts";
import type { Scope } from "../../scope/scope.ts";
import type { ServiceTarget } from "../../scope/workload.ts";
import { policyTarget } from "../../security/mtls.ts";

/** The service of a served port. */
export function calledService({ host, serviceName: name, serviceNamespace: namespace }: ServiceTarget): CalledService {
  return { host, name, namespace };
}

/** HTTP to a port of the workload: every request goes to the workload, whatever its host is. */
export function inboundHttp(scope: Scope, target: ServiceTarget, listener: string): HttpConnection {
  return {
    protocol: "http",
    kind: "inbound",
    port: target.targetPort,
    statPrefix: `inbound_${listener}`,
    service: calledService(target),
    serviceNamespace: target.serviceNamespace,
    target: policyTarget(target),
    grpcWeb: target.protocol === "GRPC-Web",
    routes: { inline: routesOf(scope, target) },
  };
}

function routesOf(scope: Scope, target: ServiceTarget): BuiltInlineRouteConfiguration {
  const name = inboundCluster(target.targetPort);
  const { typedPerFilterConfig, configKeys } = virtualHostSettings(scope, { kind: "inbound", service: target });
  const virtualHost = {
    name: `inbound|http|${target.servicePort}`,
    domains: ["*"],
    message: { typedPerFilterConfig },
    routes: [routeOf(target)],
    configKeys,
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
 * A workload may close an idle connection at the moment when the proxy reuses it. Requests that were not sent yet are retried
 * (docs/reference/pilot.md §3.1, Retries), except for gRPC, whose streams may be long-lived.
 */
function retriesOf(protocol: ServiceTarget["protocol"]) {
  if (protocol === "GRPC" || protocol === "GRPC-Web") return {};
  return { retryPolicy: { retryOn: "reset-before-request", numRetries: 2 } };
}
