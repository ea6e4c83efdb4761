import { isTls } from "@xebec/model-names";
import type { MeshPort, MeshService } from "@xebec/pilot-registry";
import type { BuiltFilterChain } from "../../build/built.ts";
import { l4Settings, serviceL4Targets } from "../../route/l4-route.ts";
import { domainsOf } from "../../route/virtual-host.ts";
import type { Scope } from "../../scope/scope.ts";
import { ANY_TRANSPORT, type DestinationMatch, filterChains, type Transport } from "../chain.ts";
import { type Cidr, cidrOf } from "../cidr.ts";
import { bytesTo } from "./unbound-listener.ts";

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
  return serviceL4Targets(scope, service, port).flatMap((target) => {
    const subnets = target.subnets ?? (shared?.networks.length ? shared.networks.map(cidrOf) : undefined);
    const { settings, configKeys } = l4Settings(scope, target);
    return filterChains(scope, {
      matches: unmatched(subnets, target.serverNames ?? ownNames, taken),
      transports: shared?.transports ?? ANY_TRANSPORT,
      connection: bytesTo(
        target.destinations.map(({ cluster }) => cluster),
        settings,
      ),
      configKeys: [...service.configKeys, ...target.configKeys, ...configKeys],
    });
  });
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
