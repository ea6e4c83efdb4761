import type { MessageInitShape } from "@bufbuild/protobuf";
import type { RouteActionSchema, RouteSchema } from "@xebec/api-envoy/envoy/config/route/v3/route_components";
import { canonicalHost, isHttp, outboundCluster, resolveShortName } from "@xebec/model-names";
import type { HttpDestination, HttpMatch, HttpRoute } from "@xebec/model-resources";
import type { VirtualService } from "@xebec/pilot-snapshot";
import { ms } from "../cluster/traffic-policy.ts";
import { announcement } from "../listener/sniffing.ts";
import type { GenerationContext } from "../scope/context.ts";
import { configPath } from "./config-path.ts";
import { hashPolicy } from "./hash-policy.ts";
import { authorityOf, headerEdits } from "./header-edits.ts";
import { directResponseOf, redirectOf } from "./redirect.ts";
import { retryPolicy } from "./retry-policy.ts";
import { millionths, routeFilters } from "./route-filters.ts";
import { type RouteScope, routeMatch, routeName } from "./route-match.ts";
import { NO_TIMEOUT, routeTimeout } from "./route-timeout.ts";

type RouteInit = MessageInitShape<typeof RouteSchema>;
type ActionInit = MessageInitShape<typeof RouteActionSchema>;
type Destination = HttpDestination["destination"];

/** Translates one match of one HTTP rule of a VirtualService into an Envoy route (docs/reference/pilot.md §3.1). */
export function httpRoute(
  context: GenerationContext,
  owner: VirtualService,
  rule: HttpRoute,
  match: HttpMatch | undefined,
  scope: RouteScope,
): RouteInit {
  const used = usedOf(rule);
  const [only] = used.length === 1 ? used : [];
  // A single destination's edits come behind the rule's, so that what it sets holds.
  const { request, response } = headerEdits(rule.headers, only?.headers);
  return {
    name: routeName(rule, match),
    match: routeMatch(match),
    action: rule.redirect
      ? { case: "redirect", value: redirectOf(rule.redirect, scope.port) }
      : rule.directResponse
        ? { case: "directResponse", value: directResponseOf(rule.directResponse) }
        : { case: "route", value: actionOf(context, owner, rule, scope) },
    metadata: { filterMetadata: { istio: { config: configPath(owner.key) } } },
    decorator: { operation: `${owner.name}:${scope.port}/*` },
    statPrefix: match?.statPrefix ?? "",
    ...request,
    ...response,
    typedPerFilterConfig: {
      ...routeFilters(rule),
      ...announcement(
        context,
        used.map(({ destination }) => {
          const host = canonicalHost(resolveShortName(destination.host, owner.namespace, context.snapshot.mesh.domain));
          return { host, subset: destination.subset ?? "", port: portOf(context, destination, host, scope.port) };
        }),
      ),
    },
  };
}

/** The route of a service that no VirtualService is for. */
export function defaultRoute(context: GenerationContext, host: string, port: number): RouteInit {
  const destination = { host };
  return {
    name: "default",
    match: routeMatch(undefined),
    action: {
      case: "route",
      value: {
        clusterSpecifier: { case: "cluster", value: clusterOf(context, destination, host, port) },
        ...NO_TIMEOUT,
        // A host that just failed is left out, also where a hash leads there: as in Istio, only rules ask for the same one again.
        retryPolicy: retryPolicy(undefined, false),
        hashPolicy: hashPolicy(context, host, "", port),
      },
    },
    decorator: { operation: `${host}:${port}/*` },
    typedPerFilterConfig: announcement(context, [{ host, subset: "", port }]),
  };
}

function actionOf(context: GenerationContext, owner: VirtualService, rule: HttpRoute, scope: RouteScope): ActionInit {
  const host = (destination: Destination): string =>
    canonicalHost(resolveShortName(destination.host, owner.namespace, context.snapshot.mesh.domain));
  const nameOf = (destination: Destination): string => clusterOf(context, destination, host(destination), scope.port);
  const used = usedOf(rule);
  const hash = used
    .flatMap((each) =>
      hashPolicy(
        context,
        host(each.destination),
        each.destination.subset ?? "",
        portOf(context, each.destination, host(each.destination), scope.port),
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
export function clusterOf(
  context: GenerationContext,
  destination: Destination,
  host: string,
  listenerPort: number,
): string {
  return outboundCluster(portOf(context, destination, host, listenerPort), destination.subset ?? "", host);
}

/** The port of a destination: its own, else the service's only port, else the port that was called. */
export function portOf(
  context: GenerationContext,
  destination: Destination,
  host: string,
  listenerPort: number,
): number {
  if (destination.port?.number !== undefined) return destination.port.number;
  const ports = context.service(host)?.ports.filter((each) => each.protocol !== "UDP") ?? [];
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
