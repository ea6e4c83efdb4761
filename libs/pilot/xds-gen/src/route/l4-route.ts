import { durationOf } from "@xebec/api-envoy";
import { canonicalHost, hostCovers, isTls, resolveShortName } from "@xebec/model-names";
import type { TcpRoute, TlsRoute } from "@xebec/model-resources";
import type { MeshPort, MeshService } from "@xebec/pilot-registry";
import { resolveGateway, type VirtualService } from "@xebec/pilot-snapshot";
import { serviceRule } from "../cluster/service-rule.ts";
import { type EffectivePolicy, effectivePolicy, ms } from "../cluster/traffic-policy.ts";
import type { TcpSettings, WeightedCluster } from "../filter/connection.ts";
import { type Cidr, cidrOf } from "../listener/cidr.ts";
import { hasOriginalDst } from "../scope/resolution.ts";
import type { Scope } from "../scope/scope.ts";
import { clusterOf, portOf } from "./http-route.ts";
import { appliesHere, type RouteBinding } from "./route-match.ts";
import { meshBinding } from "./virtual-host.ts";

type Destination = TcpRoute["route"][number]["destination"];
type L4Match = NonNullable<TcpRoute["match"]>[number] & Partial<Pick<TlsRoute["match"][number], "sniHosts">>;

/** A rule for connections: one of a VirtualService's `tcp` or `tls`. */
interface L4Rule {
  readonly match?: readonly L4Match[];
  readonly route: TcpRoute["route"];
}

/** Where connections go, by a rule or by default. */
export interface L4Target {
  /** Original destinations that it applies to; undefined for any. */
  readonly subnets?: readonly Cidr[];
  /** Server names (SNI) that it applies to; undefined for any. */
  readonly serverNames?: readonly string[];
  /** The destinations that receive connections. Without any, connections are closed. */
  readonly destinations: readonly L4Destination[];
  /** Keys of the objects behind it, without the service's own. */
  readonly configKeys: readonly string[];
}

interface L4Destination {
  readonly host: string;
  /** Empty for the whole service. */
  readonly subset: string;
  readonly port: number;
  readonly cluster: WeightedCluster;
}

/**
 * Where connections to a service's port go: by the rules of its VirtualService for sidecars, up to the first without conditions, and
 * then to the service itself (docs/reference/pilot.md §3.1).
 */
export function serviceL4Targets(scope: Scope, service: MeshService, port: MeshPort): L4Target[] {
  const tls = isTls(port.protocol) ? scope.virtualService(service.host, "tls", port.number) : undefined;
  const owner = tls ?? scope.virtualService(service.host, "tcp", port.number);
  const rules: readonly L4Rule[] = (tls ? owner?.spec.tls : owner?.spec.tcp) ?? [];
  const targets = owner ? ruledL4Targets(scope, owner, rules, meshBinding(port.number)) : [];
  if (targets.some(takesAll)) return targets;
  const own = { destination: { host: service.host, port: { number: port.number } } };
  const destinations = [destinationOf(scope, own, service.host, port.number)];
  return [...targets, { destinations, configKeys: [] }];
}

/**
 * Where the rules of a VirtualService send connections, up to the first rule without conditions.
 * @param rules its `tcp` or its `tls`
 * @param binding the sidecar's port or the Gateway's server
 */
export function ruledL4Targets(
  scope: Scope,
  owner: VirtualService,
  rules: readonly L4Rule[],
  binding: RouteBinding,
): L4Target[] {
  const resolve = (text: string): string => resolveGateway(text, owner.namespace);
  const targets: L4Target[] = [];
  for (const { match: matches, route } of rules)
    for (const match of matches?.length ? matches : [{} as L4Match]) {
      if (!appliesHere(match, binding, scope.proxyClass, resolve)) continue;
      const given = (match.destinationSubnets ?? []).map(cidrOf);
      const subnets = given.some((each) => each.prefixLen === 0) ? [] : given;
      if (subnets.length > 0 && !hasOriginalDst(scope.proxyClass)) continue;
      const target = {
        ...(subnets.length > 0 ? { subnets } : {}),
        ...(match.sniHosts ? { serverNames: match.sniHosts } : {}),
        destinations: destinationsOf(scope, owner, route, binding.port),
        configKeys: [owner.key],
      };
      targets.push(target);
      if (takesAll(target)) return targets;
    }
  return targets;
}

/** Where the destinations of a rule are, whatever it matches. @param port of the sidecar's listener or of the Gateway's server */
export function routedTarget(scope: Scope, owner: VirtualService, route: L4Rule["route"], port: number): L4Target {
  return { destinations: destinationsOf(scope, owner, route, port), configKeys: [owner.key] };
}

/** Where a connection to a service's port goes when only the name of the service is known. */
export function namedL4Target(scope: Scope, service: MeshService, port: MeshPort): L4Target | undefined {
  return serviceL4Targets(scope, service, port).find(
    ({ subnets, serverNames: names }) => !subnets && (!names || names.some((name) => hostCovers(name, service.host))),
  );
}

function takesAll({ subnets, serverNames }: L4Target): boolean {
  return !subnets && !serverNames;
}

/** Of several destinations, those with weight zero receive nothing; a single one receives everything, whatever its weight. */
function destinationsOf(scope: Scope, owner: VirtualService, route: L4Rule["route"], port: number): L4Destination[] {
  const used = route.filter((each) => route.length === 1 || (each.weight ?? 0) > 0);
  return used.map((each) => {
    const host = canonicalHost(resolveShortName(each.destination.host, owner.namespace, scope.mesh.domain));
    return destinationOf(scope, each, host, port);
  });
}

function destinationOf(
  scope: Scope,
  { destination, weight }: { readonly destination: Destination; readonly weight?: number },
  given: string,
  listenerPort: number,
): L4Destination {
  const host = scope.target(given);
  return {
    ...{ host, subset: destination.subset ?? "", port: portOf(scope, destination, host, listenerPort) },
    cluster: { name: clusterOf(scope, destination, host, listenerPort), weight: weight ?? 1 },
  };
}

/**
 * The connection settings of a target's DestinationRule, and the keys of the rule if it has any such settings. The rule of the first
 * destination applies.
 */
export function l4Settings(
  scope: Scope,
  { destinations: [first] }: L4Target,
): { readonly settings: TcpSettings; readonly configKeys: readonly string[] } {
  const service = first && scope.service(first.host);
  if (!service) return { settings: {}, configKeys: [] };
  const rule = serviceRule(scope, service);
  const policy = effectivePolicy(rule?.spec, first.subset, first.port);
  const idle = ms(policy.connectionPool?.tcp?.idleTimeout);
  const longest = ms(policy.connectionPool?.tcp?.maxConnectionDuration);
  const settings: TcpSettings = {
    ...(idle === undefined ? {} : { idleTimeout: durationOf(idle) }),
    ...(longest === undefined ? {} : { maxDownstreamConnectionDuration: durationOf(longest) }),
    ...(policy.loadBalancer?.consistentHash?.useSourceIp
      ? { hashPolicy: [{ policySpecifier: { case: "sourceIp", value: {} } }] }
      : {}),
    ...(policy.tunnel ? { tunnelingConfig: tunnelOf(policy.tunnel) } : {}),
  };
  return { settings, configKeys: Object.keys(settings).length > 0 ? (rule?.keys ?? []) : [] };
}

/** A tunnel through a proxy that speaks HTTP, to a host behind it. */
function tunnelOf({ protocol, targetHost = "", targetPort }: NonNullable<EffectivePolicy["tunnel"]>) {
  const host = targetHost.includes(":") ? `[${targetHost}]` : targetHost;
  return { hostname: `${host}:${targetPort}`, usePost: protocol === "POST" };
}
