import { VirtualHost_TlsRequirementType } from "@xebec/api-envoy/envoy/config/route/v3/route_components";
import { canonicalHost, narrowerHost, resolveShortName } from "@xebec/model-names";
import { byAge, type Gateway, type VirtualService } from "@xebec/pilot-snapshot";
import type { BuiltRoute, BuiltVirtualHost } from "../build/built.ts";
import { serversByPort } from "../listener/gateway/servers.ts";
import type { Scope } from "../scope/scope.ts";
import type { ServiceTarget } from "../scope/workload.ts";
import { routesOf, VIRTUAL_HOST } from "./virtual-host.ts";

/** A host of a router's port: the VirtualServices that have it, each with the Gateways that it came by. */
export interface SharedHost {
  readonly owners: Map<VirtualService, Set<string>>;
  /** Keys of the Gateways that have it. */
  readonly gatewayKeys: Set<string>;
  /** True when plaintext is sent on to HTTPS. */
  redirect: boolean;
  readonly serverPort: number;
}

/** The hosts of a router's port: what its servers and VirtualServices have in common. */
export function sharedHosts(
  scope: Scope,
  port: number,
  targets: readonly ServiceTarget[],
): ReadonlyMap<string, SharedHost> {
  const servers = serversByPort(scope, targets).get(port) ?? [];
  const hosts = new Map<string, SharedHost>();
  for (const { gateway, server } of servers) {
    const id = `${gateway.namespace}/${gateway.name}`;
    const shared = (host: string): SharedHost => {
      const found = hosts.get(host) ?? {
        ...{ owners: new Map(), gatewayKeys: new Set(), redirect: false, serverPort: server.port.number },
      };
      hosts.set(host, found);
      found.gatewayKeys.add(gateway.key);
      return found;
    };
    for (const owner of scope.gatewayRoutes(gateway))
      for (const host of owner.hosts)
        for (const given of server.hosts) {
          const narrow = attachedHost(given, gateway, owner, host, scope.mesh.domain);
          if (narrow === undefined) continue;
          const entry = shared(narrow);
          entry.owners.set(owner, (entry.owners.get(owner) ?? new Set()).add(id));
          entry.redirect ||= server.tls?.httpsRedirect === true;
        }
    if (server.tls?.httpsRedirect)
      for (const given of server.hosts) {
        const host = given.split("/").at(-1) as string;
        if (!hosts.has(host)) shared(host).redirect = true;
      }
  }
  return hosts;
}

/** All that decides about the virtual host of a shared host, but for the rules of its VirtualServices. */
export function keyOfSharedHost(host: string, { owners, gatewayKeys, redirect, serverPort }: SharedHost): string {
  const by = [...owners].map(([owner, gateways]) => [owner.key, [...gateways].sort()]);
  return JSON.stringify([host, serverPort, redirect, by, [...gatewayKeys].sort()]);
}

/** The virtual host of a shared host; undefined when no rule is for it. */
export function gatewayVirtualHost(
  scope: Scope,
  host: string,
  { owners: attached, gatewayKeys, redirect, serverPort }: SharedHost,
): BuiltVirtualHost | undefined {
  // The oldest first, whichever Gateway it came by.
  const owners = [...attached.keys()].sort(byAge);
  const routes = owners.flatMap((owner) =>
    routesOf(scope, owner, { gateways: attached.get(owner) ?? new Set(), port: serverPort }),
  );
  // Several VirtualServices for a host: every catch-all goes behind the specific routes of all of them.
  const sorted =
    owners.length > 1 ? [...routes.filter((each) => !catchesAll(each)), ...routes.filter(catchesAll)] : routes;
  if (sorted.length === 0 && !redirect) return undefined;
  const { ALL, NONE } = VirtualHost_TlsRequirementType;
  return {
    ...{ name: `${host}:${serverPort}`, domains: [host], routes: sorted },
    message: { ...VIRTUAL_HOST, requireTls: redirect ? ALL : NONE },
    configKeys: [...gatewayKeys].sort(),
  };
}

function catchesAll({ message: { match } }: BuiltRoute): boolean {
  const path = match?.pathSpecifier;
  const everyPath =
    (path?.case === "prefix" && path.value === "/") || (path?.case === "safeRegex" && path.value.regex === ".*");
  return everyPath && !match?.headers?.length && !match?.queryParameters?.length;
}

/** The host that a server (`[namespace/]host`) and a VirtualService have in common, when the server lets it attach. */
function attachedHost(
  given: string,
  gateway: Gateway,
  owner: VirtualService,
  host: string,
  domain: string,
): string | undefined {
  const slash = given.indexOf("/");
  const namespace = slash === -1 ? "*" : given.slice(0, slash);
  if (namespace !== "*" && owner.namespace !== (namespace === "." ? gateway.namespace : namespace)) return undefined;
  const wide = canonicalHost(
    resolveShortName(slash === -1 ? given : given.slice(slash + 1), gateway.namespace, domain),
  );
  return narrowerHost(wide, host);
}
