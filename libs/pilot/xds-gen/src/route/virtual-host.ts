import type { MeshService } from "@xebec/pilot-registry";
import { resolveGateway, type VirtualService } from "@xebec/pilot-snapshot";
import type { BuiltRoute, BuiltVirtualHost } from "../build/built.ts";
import { addressesFor } from "../scope/addresses.ts";
import type { Scope } from "../scope/scope.ts";
import { defaultRoute, httpRoute } from "./http-route.ts";
import { appliesHere, isCatchAll, type RouteBinding } from "./route-match.ts";

const COUNTED: BuiltVirtualHost["message"] = { includeRequestAttemptCount: true };
const UNCOUNTED: BuiltVirtualHost["message"] = {};

/** What all virtual hosts have beside their routes. */
export function virtualHostMessage({ proxyConfig }: Pick<Scope, "proxyConfig">): BuiltVirtualHost["message"] {
  return proxyConfig.proxyHeaders?.attemptCount?.disabled ? UNCOUNTED : COUNTED;
}

export const meshBinding = (port: number): RouteBinding => ({ gateways: new Set(["mesh"]), port });

/** The routes of a VirtualService that apply here, in the order of its file; empty when none does. */
export function routesOf(scope: Scope, owner: VirtualService, binding: RouteBinding): BuiltRoute[] {
  const routes: BuiltRoute[] = [];
  for (const [i, rule] of (owner.spec.http ?? []).entries()) {
    const matches = rule.match?.length ? rule.match : [undefined];
    for (const match of matches) {
      if (match && !appliesHere(match, binding, scope.proxyClass, (text) => resolveGateway(text, owner.namespace)))
        continue;
      routes.push(httpRoute(scope, owner, rule, match, binding, owner.delegateKeys?.[i]));
      if (isCatchAll(match)) return routes;
    }
  }
  return routes;
}

/** The virtual host of a service's port in a sidecar's route table. */
export function serviceVirtualHost(scope: Scope, service: MeshService, port: number): BuiltVirtualHost {
  const owner = scope.virtualService(service.host, "http", port);
  const routes = owner ? routesOf(scope, owner, meshBinding(port)) : [];
  return {
    name: `${service.host}:${port}`,
    domains: domainsOf(service, scope.proxyClass.namespace, scope.mesh.domain, addressesFor(scope.proxyClass, service)),
    routes: routes.length > 0 ? routes : [defaultRoute(scope, service.host, port)],
    message: virtualHostMessage(scope),
    configKeys: service.configKeys,
  };
}

/** The virtual host of a VirtualService's host that no registry knows. */
export function unknownHostVirtualHost(
  scope: Scope,
  host: string,
  owner: VirtualService,
  port: number,
): BuiltVirtualHost | undefined {
  const routes = routesOf(scope, owner, meshBinding(port));
  if (routes.length === 0) return undefined;
  return { name: `${host}:${port}`, domains: [host], routes, message: virtualHostMessage(scope), configKeys: [] };
}

/**
 * The names by which a service is called from a namespace (docs/reference/pilot.md §4.3).
 * @param addresses by which it is called, too; networks among them are no names
 */
export function domainsOf(
  service: MeshService,
  namespace: string,
  domain: string,
  addresses: readonly string[],
): string[] {
  const { host } = service;
  const domains = [host];
  const suffix = `.svc.${domain}`;
  // The name says where a service is, whoever has defined it: a ServiceEntry may have a service's name.
  const [name = "", owner = "", ...more] = host.endsWith(suffix) ? host.slice(0, -suffix.length).split(".") : [];
  if (owner && more.length === 0 && name !== "*") {
    const inNamespace = `${name}.${owner}`;
    domains.push(`${host}.`);
    if (namespace === owner) domains.push(name);
    domains.push(`${inNamespace}.svc`, inNamespace);
  } else if (!host.startsWith("*")) domains.push(`${host}.`);
  for (const address of addresses)
    if (!address.includes("/")) domains.push(address.includes(":") ? `[${address}]` : address);
  if (service.headless) domains.push(...domains.filter((each) => !/^[\d.]+$/.test(each)).map((each) => `*.${each}`));
  return domains;
}
