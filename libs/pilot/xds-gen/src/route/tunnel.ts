import type { MessageInitShape } from "@bufbuild/protobuf";
import type { RouteActionSchema } from "@xebec/api-envoy/envoy/config/route/v3/route_components";
import type { MeshService } from "@xebec/pilot-registry";
import type { BuiltRoute, BuiltVirtualHost } from "../build/built.ts";
import { TUNNEL_CLUSTER } from "../cluster/standard-clusters.ts";
import { isAuto } from "../listener/sniffing.ts";
import type { Scope } from "../scope/scope.ts";
import { namedL4Target } from "./l4-route.ts";
import { NO_TIMEOUT } from "./route-timeout.ts";
import { domainsOf, serviceVirtualHost, virtualHostMessage } from "./virtual-host.ts";

// Virtual hosts of the explicit HTTP proxy, whose clients call `host:port` and may tunnel with CONNECT.

/** An HTTP service's port, called through the explicit proxy. */
export function proxyVirtualHost(scope: Scope, service: MeshService, port: number): BuiltVirtualHost {
  const host = serviceVirtualHost(scope, service, port);
  const withPort = host.domains.map((domain) => `${domain}:${port}`);
  const tunnels = isAuto(service, port) ? tunnelVirtualHost(scope, service, port).routes : [tunnelRoute()];
  return {
    ...host,
    routes: [...tunnels, ...host.routes],
    // A request to port 80 names no port; all others must, or the port would be unknown.
    domains: port === 80 ? [...host.domains, ...withPort] : withPort,
  };
}

/** A TCP or TLS service's port, reached with CONNECT. */
export function tunnelVirtualHost(scope: Scope, service: MeshService, number: number): BuiltVirtualHost {
  const port = service.ports.find((each) => each.number === number && each.protocol !== "UDP");
  const target = port && namedL4Target(scope, service, port);
  const clusters = (target?.destinations ?? []).map(({ cluster }) => cluster);
  const [only] = clusters;
  const domains = domainsOf(service, scope.proxyClass.namespace, scope.mesh.domain, service.addresses);
  const route = connectRoute(
    clusters.length > 1
      ? { case: "weightedClusters", value: { clusters: clusters.map(({ name, weight }) => ({ name, weight })) } }
      : { case: "cluster", value: only?.name ?? "BlackHoleCluster" },
    [...service.configKeys, ...(target?.configKeys ?? [])],
  );
  return {
    name: `${service.host}:${number}`,
    domains: domains.map((domain) => `${domain}:${number}`),
    routes: [route],
    message: virtualHostMessage(scope),
    configKeys: service.configKeys,
  };
}

/** A virtual host for port 80, called through the explicit proxy. */
export function tunnelled(host: BuiltVirtualHost): BuiltVirtualHost {
  const domains = [...host.domains, ...host.domains.map((domain) => `${domain}:80`)];
  return { ...withTunnel(host), domains };
}

/** A virtual host whose clients may tunnel, too. */
export function withTunnel(host: BuiltVirtualHost): BuiltVirtualHost {
  return { ...host, routes: [tunnelRoute(), ...host.routes] };
}

/**
 * Clients that tunnel also plain HTTP (CONNECT) come through the proxy's own inner listener, where the tunnelled request is
 * routed like any other.
 */
function tunnelRoute(): BuiltRoute {
  return connectRoute({ case: "cluster", value: TUNNEL_CLUSTER }, []);
}

function connectRoute(
  clusterSpecifier: NonNullable<MessageInitShape<typeof RouteActionSchema>["clusterSpecifier"]>,
  configKeys: readonly string[],
): BuiltRoute {
  return {
    message: {
      name: "tunnel",
      match: { pathSpecifier: { case: "connectMatcher", value: {} } },
      action: {
        case: "route",
        value: { clusterSpecifier, ...NO_TIMEOUT, upgradeConfigs: [{ upgradeType: "CONNECT", connectConfig: {} }] },
      },
    },
    configKeys,
  };
}
