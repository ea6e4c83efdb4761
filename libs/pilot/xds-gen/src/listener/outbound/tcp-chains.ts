import { durationOf } from "@xebec/api-envoy";
import { canonicalHost, hostCovers, isTls, resolveShortName } from "@xebec/model-names";
import type { TcpRoute, TlsRoute } from "@xebec/model-resources";
import type { MeshPort, MeshService } from "@xebec/pilot-registry";
import { resolveGateway, type VirtualService } from "@xebec/pilot-snapshot";
import type { BuiltFilterChain } from "../../build/built.ts";
import { effectivePolicy, mergedRule, ms } from "../../cluster/traffic-policy.ts";
import type { TcpSettings, WeightedCluster } from "../../filter/network/tcp-proxy.ts";
import { clusterOf, portOf } from "../../route/http-route.ts";
import { appliesHere } from "../../route/route-match.ts";
import { domainsOf, meshBinding } from "../../route/virtual-host.ts";
import { hasOriginalDst } from "../../scope/resolution.ts";
import type { Scope } from "../../scope/scope.ts";
import { ANY_TRANSPORT, type DestinationMatch, filterChains, type Transport } from "../chain.ts";
import { type Cidr, cidrOf } from "../cidr.ts";
import { bytesTo } from "./unbound-listener.ts";

type Route = TcpRoute["route"];
type L4Match = NonNullable<TcpRoute["match"]>[number] & Partial<Pick<TlsRoute["match"][number], "sniHosts">>;

/** Where connections to a TCP service's port go. */
interface TcpTarget {
  /** Only what was meant for these addresses; undefined for any. */
  readonly subnets?: readonly Cidr[];
  /** Only handshakes that ask for one of these servers; undefined for any. */
  readonly serverNames?: readonly string[];
  readonly route: Route;
  /** Absent for the service itself. */
  readonly owner?: VirtualService;
}

/**
 * Which listener the chains are for: one on all addresses is shared by services, so a chain must tell its own connections by
 * their address or server name.
 */
export interface SharedListener {
  /** The networks of a service that has no single address. */
  readonly networks: readonly string[];
  /** What chains of other services match already. */
  readonly taken: Set<string>;
  readonly transports: readonly Transport[];
}

/** The rules of the service's VirtualService that apply here, up to the first for everything; then the service itself. */
function targetsOf(scope: Scope, service: MeshService, port: MeshPort): TcpTarget[] {
  const tls = isTls(port.protocol) ? scope.virtualService(service.host, "tls") : undefined;
  const owner = tls ?? scope.virtualService(service.host, "tcp");
  const rules: readonly { readonly match?: readonly L4Match[]; readonly route: Route }[] =
    (tls ? owner?.spec.tls : owner?.spec.tcp) ?? [];
  const targets: TcpTarget[] = [];
  for (const rule of rules)
    for (const match of rule.match?.length ? rule.match : [{}]) {
      const resolve = (text: string): string => resolveGateway(text, owner?.namespace ?? "");
      if (!owner || !appliesHere(match, meshBinding(port.number), scope.proxyClass, resolve)) continue;
      const given = (match.destinationSubnets ?? []).map(cidrOf);
      const subnets = given.some((each) => each.prefixLen === 0) ? [] : given;
      if (subnets.length > 0 && !hasOriginalDst(scope.proxyClass)) continue;
      const target = {
        ...(subnets.length > 0 ? { subnets } : {}),
        ...(match.sniHosts ? { serverNames: match.sniHosts } : {}),
        ...{ route: rule.route, owner },
      };
      targets.push(target);
      if (!target.subnets && !target.serverNames) return targets;
    }
  const destination = { host: service.host, port: { number: port.number } };
  return [...targets, { route: [{ destination }] }];
}

/**
 * The filter chains of a TCP or TLS service's port (docs/reference/pilot.md §3.1).
 * @param shared absent for a listener that the service has for itself
 */
export function tcpChains(
  scope: Scope,
  service: MeshService,
  port: MeshPort,
  shared?: SharedListener,
): BuiltFilterChain[] {
  const taken = shared?.taken ?? new Set<string>();
  const ownNames = shared && isTls(port.protocol) ? serverNames(scope, service) : undefined;
  return targetsOf(scope, service, port).flatMap((target) => {
    const subnets = target.subnets ?? (shared?.networks.length ? shared.networks.map(cidrOf) : undefined);
    const { clusters, settings, configKeys } = forwarded(scope, target, port.number);
    return filterChains(scope, {
      matches: unmatched(subnets, target.serverNames ?? ownNames, taken),
      transports: shared?.transports ?? ANY_TRANSPORT,
      connection: bytesTo(clusters, settings),
      configKeys: [...service.configKeys, ...configKeys],
    });
  });
}

/** Where a connection to a service's port goes when only the service's name is known. */
export function tcpClusters(scope: Scope, service: MeshService, port: MeshPort): readonly WeightedCluster[] {
  const target = targetsOf(scope, service, port).find(
    (each) => !each.subnets && (!each.serverNames || each.serverNames.some((name) => hostCovers(name, service.host))),
  );
  return target ? forwarded(scope, target, port.number).clusters : [];
}

/** The names by which clients of a service ask for it in their handshake. */
function serverNames(scope: Scope, service: MeshService): readonly string[] | undefined {
  if (service.host === "*") return undefined;
  return domainsOf({ ...service, addresses: [] }, scope.proxyClass.namespace, scope.mesh.domain).filter(
    (name) => !name.endsWith("."),
  );
}

/**
 * The parts of a match that no chain before has, as matches of their own; Envoy refuses a listener in which two have the same.
 * @returns none when nothing is left
 */
function unmatched(
  subnets: readonly Cidr[] | undefined,
  names: readonly string[] | undefined,
  taken: Set<string>,
): DestinationMatch[] {
  const ranges: readonly (Cidr | undefined)[] = subnets ?? [undefined];
  const parts = new Map<string, { readonly free: typeof ranges; readonly names: string[] }>();
  for (const name of names ?? [""]) {
    const free = ranges.filter((range) => {
      const key = `${range ? `${range.addressPrefix}/${range.prefixLen}` : ""} ${name}`;
      return !taken.has(key) && Boolean(taken.add(key));
    });
    if (free.length === 0) continue;
    // Names that have the same networks left share a chain.
    const key = JSON.stringify(free);
    const part = parts.get(key) ?? { free, names: [] as string[] };
    part.names.push(name);
    parts.set(key, part);
  }
  return [...parts.values()].map((part) => ({
    ...(names ? { serverNames: part.names } : {}),
    ...(subnets ? { prefixRanges: part.free.flatMap((range) => range ?? []) } : {}),
  }));
}

/** The objects that the chains of a service come from. */
export function tcpConfigKeys(scope: Scope, service: MeshService): string[] {
  const rules = [scope.virtualService(service.host, "tls"), scope.virtualService(service.host, "tcp")];
  const keys = rules.flatMap((each) => each?.key ?? []);
  return [...new Set([...service.configKeys, ...keys])];
}

/** The clusters of a target, what a DestinationRule says of connections to them, and the keys of the objects that say so. */
function forwarded(
  scope: Scope,
  { route, owner }: TcpTarget,
  listenerPort: number,
): { clusters: WeightedCluster[]; settings: TcpSettings; configKeys: readonly string[] } {
  const { domain } = scope.mesh;
  const host = (destination: Route[number]["destination"]): string =>
    canonicalHost(owner ? resolveShortName(destination.host, owner.namespace, domain) : destination.host);
  const used = route.filter((each) => route.length === 1 || (each.weight ?? 0) > 0);
  const clusters = used.map(({ destination, weight }) => ({
    name: clusterOf(scope, destination, host(destination), listenerPort),
    weight: weight ?? 1,
  }));
  const ruled = owner ? [owner.key] : [];
  const [first] = used;
  if (!first) return { clusters, settings: {}, configKeys: ruled };
  const { destination } = first;
  const port = portOf(scope, destination, host(destination), listenerPort);
  const { settings, configKeys } = settingsOf(scope, host(destination), destination.subset ?? "", port);
  return { clusters, settings, configKeys: [...ruled, ...configKeys] };
}

/** What a DestinationRule says of connections; of several destinations the first one's rule decides. */
function settingsOf(
  scope: Scope,
  host: string,
  subset: string,
  port: number,
): { settings: TcpSettings; configKeys: readonly string[] } {
  const service = scope.service(host);
  const rule = service && mergedRule(scope.destinationRules(service));
  const policy = effectivePolicy(rule?.spec, subset, port);
  const idle = ms(policy.connectionPool?.tcp?.idleTimeout);
  const longest = ms(policy.connectionPool?.tcp?.maxConnectionDuration);
  const settings: TcpSettings = {
    ...(idle === undefined ? {} : { idleTimeout: durationOf(idle) }),
    ...(longest === undefined ? {} : { maxDownstreamConnectionDuration: durationOf(longest) }),
    ...(policy.loadBalancer?.consistentHash?.useSourceIp
      ? { hashPolicy: [{ policySpecifier: { case: "sourceIp", value: {} } }] }
      : {}),
  };
  return { settings, configKeys: Object.keys(settings).length > 0 ? (rule?.keys ?? []) : [] };
}
