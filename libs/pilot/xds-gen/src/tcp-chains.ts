import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationOf } from "@xebec/api-envoy";
import type { FilterChainSchema } from "@xebec/api-envoy/envoy/config/listener/v3/listener_components";
import { canonicalHost, resolveShortName } from "@xebec/model-names";
import type { TcpRoute } from "@xebec/model-resources";
import type { MeshPort, MeshService } from "@xebec/pilot-registry";
import { resolveGateway, type VirtualService } from "@xebec/pilot-snapshot";
import { type Cidr, cidrOf } from "./cidr.ts";
import type { GenerationContext } from "./context.ts";
import { clusterOf, portOf } from "./http-route.ts";
import { appliesHere } from "./route-match.ts";
import { type TcpSettings, tcpProxy } from "./tcp-proxy.ts";
import { effectivePolicy, mergedRule, ms } from "./traffic-policy.ts";
import { MESH_SCOPE } from "./virtual-host.ts";

type FilterChain = MessageInitShape<typeof FilterChainSchema>;
type Route = TcpRoute["route"];

/**
 * The chains of a TCP service's port: those of its VirtualService's TCP rules that apply here, up to the first for every
 * destination; the service itself when there is none (spec/pilot.md §3.1).
 */
export function tcpChains(context: GenerationContext, service: MeshService, port: MeshPort): FilterChain[] {
  const owner = context.virtualService(service.host);
  const scope = MESH_SCOPE(port.number);
  const chains: FilterChain[] = [];
  const taken = new Set<string>();
  for (const rule of owner?.spec.tcp ?? [])
    for (const match of rule.match?.length ? rule.match : [{}]) {
      if (!owner || !appliesHere(match, scope, context.view, (text) => resolveGateway(text, owner.namespace))) continue;
      const filters = [forward(context, rule.route, owner, port.number)];
      const subnets = (match.destinationSubnets ?? []).map(cidrOf);
      if (subnets.length === 0 || subnets.some((each) => each.prefixLen === 0)) return [...chains, { filters }];
      // Without traffic capture nobody knows what address the client meant.
      if (context.view.interception === "NONE") continue;
      const prefixRanges = subnets.filter((each) => isNew(each, taken));
      if (prefixRanges.length > 0) chains.push({ filterChainMatch: { prefixRanges }, filters });
    }
  return [
    ...chains,
    { filters: [forward(context, [{ destination: ownDestination(service, port) }], owner, port.number)] },
  ];
}

const ownDestination = (service: MeshService, port: MeshPort) => ({
  host: service.host,
  port: { number: port.number },
});

function isNew({ addressPrefix, prefixLen }: Cidr, taken: Set<string>): boolean {
  const key = `${addressPrefix}/${prefixLen}`;
  return !taken.has(key) && Boolean(taken.add(key));
}

/** The objects that the chains of a service come from. */
export function tcpOrigins(context: GenerationContext, service: MeshService): string[] {
  const owner = context.virtualService(service.host);
  return [...(service.origin ? [service.origin] : []), ...(owner?.spec.tcp?.length ? [owner.key] : [])];
}

function forward(context: GenerationContext, route: Route, owner: VirtualService | undefined, listenerPort: number) {
  const { domain } = context.snapshot.mesh;
  const host = (destination: Route[number]["destination"]): string =>
    canonicalHost(owner ? resolveShortName(destination.host, owner.namespace, domain) : destination.host);
  const used = route.filter((each) => route.length === 1 || (each.weight ?? 0) > 0);
  const clusters = used.map(({ destination, weight }) => ({
    name: clusterOf(context, destination, host(destination), listenerPort),
    weight: weight ?? 1,
  }));
  const [first] = used;
  if (!first) return tcpProxy(context, clusters);
  const { destination } = first;
  const port = portOf(context, destination, host(destination), listenerPort);
  return tcpProxy(context, clusters, settingsOf(context, host(destination), destination.subset ?? "", port));
}

/** What a DestinationRule says of connections; of several destinations the first one's rule decides. */
function settingsOf(context: GenerationContext, host: string, subset: string, port: number): TcpSettings {
  const service = context.service(host);
  if (!service) return {};
  const policy = effectivePolicy(mergedRule(context.destinationRules(service))?.spec, subset, port);
  const idle = ms(policy.connectionPool?.tcp?.idleTimeout);
  const longest = ms(policy.connectionPool?.tcp?.maxConnectionDuration);
  return {
    ...(idle === undefined ? {} : { idleTimeout: durationOf(idle) }),
    ...(longest === undefined ? {} : { maxDownstreamConnectionDuration: durationOf(longest) }),
    ...(policy.loadBalancer?.consistentHash?.useSourceIp
      ? { hashPolicy: [{ policySpecifier: { case: "sourceIp", value: {} } }] }
      : {}),
  };
}
