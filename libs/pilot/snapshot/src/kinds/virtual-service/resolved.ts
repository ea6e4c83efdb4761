import { canonicalHost, resolveShortName } from "@xebec/model-names";
import type { HttpRoute, Resource, VirtualServiceSpec } from "@xebec/model-resources";
import { namedObject } from "../kind.ts";
import { MESH_GATEWAY, type VirtualService } from "./state.ts";

/** A VirtualService with its hosts and Gateways resolved, and of a delegate, whose rules others take over, all names. */
export function virtualServiceOf(resource: Resource<VirtualServiceSpec>, domain: string): VirtualService {
  const { spec, namespace } = resource;
  const hosts = spec.hosts ?? [];
  const resolve = (host: string): string => canonicalHost(resolveShortName(host, namespace, domain));
  const shared = { ...namedObject(resource), hosts: hosts.map(resolve), exportTo: spec.exportTo ?? [] };
  if (hosts.length === 0)
    return {
      ...shared,
      gateways: [],
      spec: { ...spec, http: (spec.http ?? []).map((rule) => resolvedRule(rule, namespace, resolve)) },
    };
  const gateways = spec.gateways?.length
    ? spec.gateways.map((each) => resolveGateway(each, namespace))
    : [MESH_GATEWAY];
  // What a rule that delegates says of Gateways is compared with what its delegate says.
  const http = spec.http?.some((rule) => rule.delegate)
    ? { http: spec.http.map((rule) => ({ ...rule, ...resolvedMatches(rule, namespace) })) }
    : {};
  return { ...shared, gateways, spec: "http" in http ? { ...spec, ...http } : spec };
}

/** Resolves a gateway's reference in a VirtualService: `mesh`, `name`, `./name`, `ns/name`, 1.1's `name.ns[.svc.domain]`. */
export function resolveGateway(text: string, namespace: string): string {
  if (text === MESH_GATEWAY) return text;
  if (text.includes("/")) return text.startsWith("./") ? `${namespace}${text.slice(1)}` : text;
  const [name, owner] = text.split(".");
  return `${owner ?? namespace}/${name}`;
}

function resolvedRule(rule: HttpRoute, namespace: string, resolve: (host: string) => string): HttpRoute {
  const at = <T extends { host: string }>(destination: T): T => ({ ...destination, host: resolve(destination.host) });
  return {
    ...rule,
    ...(rule.route ? { route: rule.route.map((each) => ({ ...each, destination: at(each.destination) })) } : {}),
    ...(rule.mirror ? { mirror: at(rule.mirror) } : {}),
    ...(rule.mirrors ? { mirrors: rule.mirrors.map((each) => ({ ...each, destination: at(each.destination) })) } : {}),
    ...resolvedMatches(rule, namespace),
  };
}

function resolvedMatches({ match }: HttpRoute, namespace: string): Pick<HttpRoute, "match"> {
  if (!match?.some((each) => each.gateways)) return match ? { match } : {};
  return {
    match: match.map(({ gateways, ...each }) => ({
      ...each,
      ...(gateways ? { gateways: gateways.map((name) => resolveGateway(name, namespace)) } : {}),
    })),
  };
}
