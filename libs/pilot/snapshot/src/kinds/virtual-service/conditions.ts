import { canonicalHost, resolveShortName } from "@xebec/model-names";
import { ineffectiveFields } from "@xebec/model-resources";
import type { ServiceState } from "../../services/services.ts";
import { attached, ignored, unlessUnused } from "../conditions.ts";
import type { DestinationRuleState } from "../destination-rule/state.ts";
import type { GatewayState } from "../gateway/state.ts";
import type { KnownProxies, ObjectCondition } from "../kind.ts";
import type { MeshState } from "../mesh-config/state.ts";
import { MESH_GATEWAY, type VirtualService, type VirtualServiceState } from "./state.ts";

export type VirtualServiceReads = VirtualServiceState & DestinationRuleState & GatewayState & ServiceState & MeshState;

/** Where each VirtualService is attached: its Gateways, services and subsets are looked up. */
export function* virtualServiceConditions(
  snapshot: VirtualServiceReads,
  proxies: KnownProxies,
): Generator<ObjectCondition> {
  const gateways = new Set(snapshot.gateways.map((each) => `${each.namespace}/${each.name}`));
  for (const each of snapshot.virtualServices.all()) yield unlessUnused(conditionOf(each, snapshot, gateways), proxies);
}

function conditionOf(rule: VirtualService, snapshot: VirtualServiceReads, known: ReadonlySet<string>): ObjectCondition {
  const missing = rule.gateways.filter((each) => each !== MESH_GATEWAY && !known.has(each));
  if (missing.length === rule.gateways.length)
    return ignored(
      rule.key,
      "GatewayNotFound",
      `no Gateway ${missing.join(", ")}; create it or name another in spec.gateways`,
    );
  const ineffective: string[] = missing.map((each) => `Gateway ${each} does not exist`);
  for (const { destination, path } of destinations(rule)) {
    const host = canonicalHost(resolveShortName(destination.host, rule.namespace, snapshot.mesh.domain));
    if (!snapshot.services.has(host)) ineffective.push(`${path}.host: no service ${host}`);
    else if (destination.subset) {
      // Those that a proxy of the VirtualService's own namespace looks at.
      const owners = [rule.namespace, snapshot.mesh.rootNamespace];
      for (const service of snapshot.services.get(host) ?? []) owners.push(service.namespace);
      for (const gateway of rule.gateways) owners.push(gateway.split("/")[0] as string);
      const rules = snapshot.destinationRules.find(host, (each) => owners.includes(each.namespace));
      if (!rules.some((each) => each.spec.subsets?.some((subset) => subset.name === destination.subset)))
        ineffective.push(`${path}.subset: no DestinationRule for ${host} defines the subset ${destination.subset}`);
    }
  }
  for (const host of rule.hosts) {
    const oldest = snapshot.virtualServices
      .exact(host)
      .find((each) => each.gateways.includes(MESH_GATEWAY) && (each === rule || sharesKind(each, rule)));
    if (rule.gateways.includes(MESH_GATEWAY) && oldest && oldest !== rule)
      ineffective.push(`host ${host} belongs to the older ${oldest.namespace}/${oldest.name}`);
  }
  return attached(rule.key, [...ineffective, ...ineffectiveFields("networking.istio.io", "VirtualService", rule.spec)]);
}

/** Rules for HTTP and rules for TCP of one host do not get into each other's way. */
function sharesKind(a: VirtualService, b: VirtualService): boolean {
  return (["http", "tls", "tcp"] as const).some((kind) => a.spec[kind]?.length && b.spec[kind]?.length);
}

type Destination = { host: string; subset?: string };

/** Every destination of a VirtualService with its place in the object. */
function destinations(rule: VirtualService): { destination: Destination; path: string }[] {
  const kinds = { http: rule.spec.http ?? [], tls: rule.spec.tls ?? [], tcp: rule.spec.tcp ?? [] };
  const routed = Object.entries(kinds).flatMap(([kind, rules]) =>
    rules.flatMap((each, i) =>
      (each.route ?? []).map(({ destination }, j) => ({
        destination,
        path: `spec.${kind}[${i}].route[${j}].destination`,
      })),
    ),
  );
  const mirrored = kinds.http.flatMap(({ mirror, mirrors = [] }, i) => [
    ...(mirror ? [{ destination: mirror, path: `spec.http[${i}].mirror` }] : []),
    ...mirrors.map(({ destination }, j) => ({ destination, path: `spec.http[${i}].mirrors[${j}].destination` })),
  ]);
  return [...routed, ...mirrored];
}
