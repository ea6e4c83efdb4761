import type { MessageInitShape } from "@bufbuild/protobuf";
import type { RouteActionSchema, RouteSchema } from "@xebec/api-envoy/envoy/config/route/v3/route_components";
import { canonicalHost, isHttp, outboundCluster, resolveShortName } from "@xebec/model-names";
import type { HttpDestination, HttpMatch, HttpRoute } from "@xebec/model-resources";
import type { VirtualService } from "@xebec/pilot-snapshot";
import { ms } from "../cluster/traffic-policy.ts";
import { routeSettings } from "../filter/http/registry.ts";
import type { Scope } from "../scope/scope.ts";
import { configPath } from "./config-path.ts";
import { hashPolicy } from "./hash-policy.ts";
import { authorityOf, headerEdits } from "./header-edits.ts";
import { millionths } from "./percent.ts";
import { directResponseOf, redirectOf } from "./redirect.ts";
import { retryPolicy } from "./retry-policy.ts";
import { type RouteBinding, routeMatch, routeName } from "./route-match.ts";
import { NO_TIMEOUT, routeTimeout } from "./route-timeout.ts";

type RouteInit = MessageInitShape<typeof RouteSchema>;
type ActionInit = MessageInitShape<typeof RouteActionSchema>;
type Destination = HttpDestination["destination"];

/** Translates one match of one HTTP rule of a VirtualService into an Envoy route (docs/reference/pilot.md §3.1). */
export function httpRoute(
  scope: Scope,
  owner: VirtualService,
  rule: HttpRoute,
  match: HttpMatch | undefined,
  binding: RouteBinding,
): RouteInit {
  const used = usedOf(rule);
  const [only] = used.length === 1 ? used : [];
  // A single destination's edits come behind the rule's, so that what it sets holds.
  const { request, response } = headerEdits(rule.headers, only?.headers);
  return {
    name: routeName(rule, match),
    match: routeMatch(match),
    action: rule.redirect
      ? { case: "redirect", value: redirectOf(rule.redirect, binding.port) }
      : rule.directResponse
        ? { case: "directResponse", value: directResponseOf(rule.directResponse) }
        : { case: "route", value: actionOf(scope, owner, rule, binding) },
    metadata: { filterMetadata: { istio: { config: configPath(owner.key) } } },
    decorator: { operation: `${owner.name}:${binding.port}/*` },
    statPrefix: match?.statPrefix ?? "",
    ...request,
    ...response,
    typedPerFilterConfig: routeSettings(scope, {
      rule,
      destinations: used.map(({ destination }) => {
        const host = canonicalHost(resolveShortName(destination.host, owner.namespace, scope.mesh.domain));
        return { host, subset: destination.subset ?? "", port: portOf(scope, destination, host, binding.port) };
      }),
    }),
  };
}

/** The route of a service that no VirtualService is for. */
export function defaultRoute(scope: Scope, host: string, port: number): RouteInit {
  const destination = { host };
  return {
    name: "default",
    match: routeMatch(undefined),
    action: {
      case: "route",
      value: {
        clusterSpecifier: { case: "cluster", value: clusterOf(scope, destination, host, port) },
        ...NO_TIMEOUT,
        // A host that just failed is left out, also where a hash leads there: as in Istio, only rules ask for the same one again.
        retryPolicy: retryPolicy(undefined, false),
        hashPolicy: hashPolicy(scope, host, "", port),
      },
    },
    decorator: { operation: `${host}:${port}/*` },
    typedPerFilterConfig: routeSettings(scope, { destinations: [{ host, subset: "", port }] }),
  };
}

function actionOf(scope: Scope, owner: VirtualService, rule: HttpRoute, binding: RouteBinding): ActionInit {
  const host = (destination: Destination): string =>
    canonicalHost(resolveShortName(destination.host, owner.namespace, scope.mesh.domain));
  const nameOf = (destination: Destination): string => clusterOf(scope, destination, host(destination), binding.port);
  const used = usedOf(rule);
  const hash = used
    .flatMap((each) =>
      hashPolicy(
        scope,
        host(each.destination),
        each.destination.subset ?? "",
        portOf(scope, each.destination, host(each.destination), binding.port),
      ),
    )
    .slice(0, 8);
  const ruled = rule.rewrite?.authority || authorityOf(rule.headers);
  const authority = ruled ?? (used.length === 1 ? authorityOf(used[0]?.headers) : undefined);
  const byRegex = rule.rewrite?.uriRegexRewrite;
  return {
    clusterSpecifier: destinationsOf(used, nameOf, ruled === undefined),
    ...routeTimeout(ms(rule.timeout) ?? 0),
    retryPolicy: retryPolicy(rule.retries, used.length === 1 && hash.length > 0),
    hashPolicy: hash,
    // Envoy takes one of the two alone.
    prefixRewrite: byRegex ? "" : (rule.rewrite?.uri ?? ""),
    ...(byRegex
      ? {
          regexRewrite: {
            pattern: { regex: byRegex.match },
            substitution: byRegex.rewrite,
          },
        }
      : {}),
    hostRewriteSpecifier: authority ? { case: "hostRewriteLiteral", value: authority } : { case: undefined },
    requestMirrorPolicies: mirrorsOf(rule).map(({ destination, percent }) => ({
      cluster: nameOf(destination),
      runtimeFraction: { defaultValue: millionths(percent) },
      disableShadowHostSuffixAppend: true,
    })),
  };
}

/** The destinations that take requests: with several a weight of zero takes none; a single one takes all, whatever its weight. */
function usedOf({ route = [] }: HttpRoute): readonly HttpDestination[] {
  return route.length > 1 ? route.filter((each) => (each.weight ?? 0) > 0) : route;
}

/**
 * Where a rule's requests go. Of several destinations each has its own edits; those of a single one are the route's.
 * @param ownHosts false when the rule gives all requests a host: then destinations do not give others
 */
function destinationsOf(
  used: readonly HttpDestination[],
  nameOf: (destination: Destination) => string,
  ownHosts: boolean,
): NonNullable<ActionInit["clusterSpecifier"]> {
  const [first, second] = used;
  if (!first) return { case: "cluster", value: "BlackHoleCluster" };
  if (!second) return { case: "cluster", value: nameOf(first.destination) };
  return {
    case: "weightedClusters",
    value: {
      clusters: used.map(({ destination, weight = 0, headers }) => {
        const { request, response } = headerEdits(headers);
        const authority = ownHosts ? authorityOf(headers) : undefined;
        return {
          ...{ name: nameOf(destination), weight, ...request, ...response },
          hostRewriteSpecifier: authority ? { case: "hostRewriteLiteral", value: authority } : { case: undefined },
        };
      }),
    },
  };
}

/** The cluster of a destination. @param listenerPort the port that was called */
export function clusterOf(scope: Scope, destination: Destination, host: string, listenerPort: number): string {
  return outboundCluster(portOf(scope, destination, host, listenerPort), destination.subset ?? "", host);
}

/** The port of a destination: its own, else the service's only port, else the port that was called. */
export function portOf(scope: Scope, destination: Destination, host: string, listenerPort: number): number {
  if (destination.port?.number !== undefined) return destination.port.number;
  const ports = scope.service(host)?.ports.filter((each) => each.protocol !== "UDP") ?? [];
  const [first, second] = ports;
  if (!first) return listenerPort;
  if (!second) return first.number;
  if (ports.some((each) => each.number === listenerPort)) return listenerPort;
  // Several ports and none is the one that was called: the HTTP one, as from a Gateway's port to a service.
  const speaking = ports.find((each) => isHttp(each.protocol)) ?? ports.find((each) => each.protocol === "Auto");
  return speaking?.number ?? listenerPort;
}

function mirrorsOf(rule: HttpRoute): { destination: Destination; percent: number }[] {
  const single = rule.mirror
    ? [
        {
          destination: rule.mirror,
          percent: rule.mirrorPercentage ? (rule.mirrorPercentage.value ?? 0) : (rule.mirrorPercent ?? 100),
        },
      ]
    : [];
  const several = (rule.mirrors ?? []).map(({ destination, percentage }) => ({
    destination,
    percent: percentage ? (percentage.value ?? 0) : 100,
  }));
  return [...single, ...several].filter(({ percent }) => percent > 0);
}
