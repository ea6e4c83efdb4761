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

/** The cluster of ports that no service has, and the name of what leads to it. */
export const INBOUND_PASSTHROUGH = "InboundPassthroughCluster";

/** HTTP to a port that no service has: to that port of the workload. @param port undefined where it may be any */
export function passthroughHttp(port: number | undefined): HttpConnection {
  const virtualHost = {
    name: "inbound|http|0",
    domains: ["*"],
    message: {},
    routes: [routeTo(INBOUND_PASSTHROUGH, ":0/*", retriesOf("Auto"))],
    configKeys: [],
  };
  return {
    protocol: "http",
    kind: "inbound",
    ...(port === undefined ? {} : { port }),
    statPrefix: INBOUND_PASSTHROUGH,
    routes: {
      inline: {
        name: INBOUND_PASSTHROUGH,
        message: { validateClusters: false },
        virtualHosts: [virtualHost],
        configKeys: [],
      },
    },
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
  return routeTo(inboundCluster(targetPort), `${host}:${servicePort}/*`, retriesOf(protocol));
}

function routeTo(cluster: string, operation: string, retries: ReturnType<typeof retriesOf>): BuiltRoute {
  return {
    message: {
      name: "default",
      match: { pathSpecifier: { case: "prefix", value: "/" } },
      decorator: { operation },
      action: {
        case: "route",
        value: { clusterSpecifier: { case: "cluster", value: cluster }, ...NO_TIMEOUT, ...retries },
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
