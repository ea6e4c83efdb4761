import { isTls } from "@xebec/model-names";
import type { MeshPort, MeshService } from "@xebec/pilot-registry";
import type { BuiltFilterChain } from "../../build/built.ts";
import { l4Settings, serviceL4Targets } from "../../route/l4-route.ts";
import { domainsOf } from "../../route/virtual-host.ts";
import type { Scope } from "../../scope/scope.ts";
import { ANY_TRANSPORT, type DestinationMatch, filterChains, type Transport } from "../chain.ts";
import { type Cidr, cidrOf } from "../cidr.ts";
import { tcpTo } from "./unbound-listener.ts";

/**
 * A listener on all addresses that several services share: chains have to match their connections by address or server name.
 */
export interface SharedListener {
  /** The CIDR blocks of the service. */
  readonly networks: readonly string[];
  /** Matches of the chains of other services. */
  readonly taken: Set<string>;
  readonly transports: readonly Transport[];
}

/**
 * The filter chains of a TCP or TLS service's port (docs/reference/pilot.md §3.1).
 * @param shared absent for a listener of the service's own
 */
export function tcpChains(
  scope: Scope,
  service: MeshService,
  port: MeshPort,
  shared?: SharedListener,
): BuiltFilterChain[] {
  const taken = shared?.taken ?? new Set<string>();
  // Only a chain that matches a server name makes Envoy read it, and with it a host is looked up.
  const isNamed = shared !== undefined || service.resolution === "dynamic-dns";
  const ownNames = isNamed && isTls(port.protocol) ? serverNames(scope, service) : undefined;
  return serviceL4Targets(scope, service, port).flatMap((target) => {
    const subnets = target.subnets ?? (shared?.networks.length ? shared.networks.map(cidrOf) : undefined);
    const { settings, configKeys } = l4Settings(scope, target);
    return filterChains(scope, {
      matches: unmatched(subnets, target.serverNames ?? ownNames, taken),
      transports: shared?.transports ?? ANY_TRANSPORT,
      connection: {
        ...tcpTo(
          target.destinations.map(({ cluster }) => cluster),
          settings,
        ),
        port: port.number,
      },
      configKeys: [...service.configKeys, ...target.configKeys, ...configKeys],
    });
  });
}

/** The server names (SNI) by which clients address a service. */
function serverNames(scope: Scope, service: MeshService): readonly string[] | undefined {
  if (service.host === "*") return undefined;
  return domainsOf(service, scope.proxyClass.namespace, scope.mesh.domain, []).filter((name) => !name.endsWith("."));
}

/**
 * The combinations of subnets and names that no earlier chain matches: Envoy rejects a listener with two equal matches.
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
    // Names with the same remaining subnets share a chain.
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
