import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { RouteSchema } from "@xebec/api-envoy/envoy/config/route/v3/route_components";
import {
  VirtualHost_TlsRequirementType,
  VirtualHostSchema,
} from "@xebec/api-envoy/envoy/config/route/v3/route_components";
import type { MeshService } from "@xebec/pilot-registry";
import { resolveGateway, type VirtualService } from "@xebec/pilot-snapshot";
import type { Scope } from "../scope/scope.ts";
import { defaultRoute, httpRoute } from "./http-route.ts";
import { appliesHere, isCatchAll, type RouteBinding } from "./route-match.ts";

type RouteInit = MessageInitShape<typeof RouteSchema>;

/** A virtual host before it is encoded; its domains may still shrink when another one has taken them. */
export interface VirtualHostPart {
  readonly name: string;
  readonly domains: readonly string[];
  readonly routes: readonly RouteInit[];
  readonly configKeys: readonly string[];
  readonly requireTls?: boolean;
  /** The bytes with all domains, made when they are first wanted. */
  encoded?: Uint8Array;
}

export const meshBinding = (port: number): RouteBinding => ({ gateways: new Set(["mesh"]), port });

/** The routes of a VirtualService that apply here, in the order of its file; empty when none does. */
export function routesOf(scope: Scope, owner: VirtualService, binding: RouteBinding): RouteInit[] {
  const routes: RouteInit[] = [];
  for (const rule of owner.spec.http ?? []) {
    const matches = rule.match?.length ? rule.match : [undefined];
    for (const match of matches) {
      if (match && !appliesHere(match, binding, scope.proxyClass, (text) => resolveGateway(text, owner.namespace)))
        continue;
      routes.push(httpRoute(scope, owner, rule, match, binding));
      if (isCatchAll(match)) return routes;
    }
  }
  return routes;
}

/** The virtual host of a service's port in a sidecar's route table. */
export function serviceVirtualHost(scope: Scope, service: MeshService, port: number): VirtualHostPart {
  scope.dependsOn(service);
  const owner = scope.virtualService(service.host, "http");
  const routes = owner ? routesOf(scope, owner, meshBinding(port)) : [];
  return {
    name: `${service.host}:${port}`,
    domains: domainsOf(service, scope.proxyClass.namespace, scope.mesh.domain),
    routes: routes.length > 0 ? routes : [defaultRoute(scope, service.host, port)],
    // An object none of whose rules are for this proxy is no key.
    configKeys: [...service.configKeys, ...(owner && routes.length > 0 ? [owner.key] : [])],
  };
}

/** The virtual host of a VirtualService's host that no registry knows. */
export function unknownHostVirtualHost(
  scope: Scope,
  host: string,
  owner: VirtualService,
  port: number,
): VirtualHostPart | undefined {
  const routes = routesOf(scope, owner, meshBinding(port));
  if (routes.length === 0) return undefined;
  return { name: `${host}:${port}`, domains: [host], routes, configKeys: [owner.key] };
}

/** The names by which a service is called from a namespace (docs/reference/pilot.md §4.3). */
export function domainsOf(service: MeshService, namespace: string, domain: string): string[] {
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
  for (const address of service.addresses)
    if (!address.includes("/")) domains.push(address.includes(":") ? `[${address}]` : address);
  if (service.headless) domains.push(...domains.filter((each) => !/^[\d.]+$/.test(each)).map((each) => `*.${each}`));
  return domains;
}

/** Encodes a virtual host with these domains. */
export function encodeVirtualHost(part: VirtualHostPart, domains: readonly string[]): Uint8Array {
  if (domains === part.domains && part.encoded) return part.encoded;
  const bytes = toBinary(
    VirtualHostSchema,
    create(VirtualHostSchema, {
      name: part.name,
      domains: [...domains],
      routes: [...part.routes],
      includeRequestAttemptCount: true,
      requireTls: part.requireTls ? VirtualHost_TlsRequirementType.ALL : VirtualHost_TlsRequirementType.NONE,
    }),
  );
  if (domains === part.domains) part.encoded = bytes;
  return bytes;
}
