import { VirtualHost_TlsRequirementType } from "@xebec/api-envoy/envoy/config/route/v3/route_components";
import { isHttp, protocolByName } from "@xebec/model-names";
import type { GatewayServer } from "@xebec/model-resources";
import { byAge, type VirtualService } from "@xebec/pilot-snapshot";
import type { BuiltRoute, BuiltVirtualHost } from "../build/built.ts";
import { type BoundServer, sharedHost } from "../listener/gateway/servers.ts";
import type { Scope } from "../scope/scope.ts";
import { routesOf, virtualHostMessage } from "./virtual-host.ts";

/** A host of a router's port: the VirtualServices that have it, each with the Gateways that it came by. */
export interface SharedHost {
  readonly owners: Map<VirtualService, Set<string>>;
  /** Keys of the Gateways that have it. */
  readonly gatewayKeys: Set<string>;
  /** True when plaintext is sent on to HTTPS. */
  redirect: boolean;
  readonly serverPort: number;
}

/** The hosts of a router's route table: what its servers and VirtualServices have in common. */
export function sharedHosts(scope: Scope, servers: readonly BoundServer[]): ReadonlyMap<string, SharedHost> {
  const hosts = new Map<string, SharedHost>();
  for (const { gateway, server } of servers) {
    const id = `${gateway.namespace}/${gateway.name}`;
    const shared = (host: string): SharedHost => {
      const found = hosts.get(host) ?? {
        ...{ owners: new Map(), gatewayKeys: new Set(), redirect: false, serverPort: server.port.number ?? 0 },
      };
      hosts.set(host, found);
      found.gatewayKeys.add(gateway.key);
      return found;
    };
    for (const owner of scope.gatewayRoutes(gateway))
      for (const host of owner.hosts)
        for (const given of server.hosts) {
          const narrow = sharedHost(given, gateway, owner, host);
          if (narrow === undefined) continue;
          const entry = shared(narrow);
          entry.owners.set(owner, (entry.owners.get(owner) ?? new Set()).add(id));
          entry.redirect ||= redirects(server);
        }
    if (redirects(server))
      for (const given of server.hosts) {
        const host = given.split("/").at(-1) as string;
        if (!hosts.has(host)) shared(host).redirect = true;
      }
  }
  return hosts;
}

/** True when plaintext is sent on to HTTPS; with TLS there is nothing to send on. */
function redirects({ tls, port }: GatewayServer): boolean {
  const protocol = protocolByName(port.protocol);
  return tls?.httpsRedirect === true && protocol !== undefined && isHttp(protocol);
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
    message: { ...virtualHostMessage(scope), requireTls: redirect ? ALL : NONE },
    configKeys: [...gatewayKeys].sort(),
  };
}

function catchesAll({ message: { match } }: BuiltRoute): boolean {
  const path = match?.pathSpecifier;
  const everyPath =
    (path?.case === "prefix" && path.value === "/") || (path?.case === "safeRegex" && path.value.regex === ".*");
  return everyPath && !match?.headers?.length && !match?.queryParameters?.length;
}
