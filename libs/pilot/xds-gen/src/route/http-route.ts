import type { MessageInitShape } from "@bufbuild/protobuf";
import type { RouteActionSchema } from "@xebec/api-envoy/envoy/config/route/v3/route_components";
import { canonicalHost, isHttp, outboundCluster, resolveShortName } from "@xebec/model-names";
import type { HttpDestination, HttpMatch, HttpRoute } from "@xebec/model-resources";
import type { VirtualService } from "@xebec/pilot-snapshot";
import type { Built, BuiltRoute, RouteInit } from "../build/built.ts";
import { ms } from "../cluster/traffic-policy.ts";
import { routeSettings } from "../filter/http/registry.ts";
import type { Scope } from "../scope/scope.ts";
import { configPath } from "./config-path.ts";
import { type HashPolicy, hashPolicy } from "./hash-policy.ts";
import { authorityOf, headerEdits, headersOf } from "./header-edits.ts";
import { millionths } from "./percent.ts";
import { directResponseOf, redirectOf } from "./redirect.ts";
import { retryPolicy } from "./retry-policy.ts";
import { type RouteBinding, routeMatch, routeName } from "./route-match.ts";
import { NO_TIMEOUT, routeTimeout } from "./route-timeout.ts";

type ActionInit = MessageInitShape<typeof RouteActionSchema>;
type Destination = HttpDestination["destination"];

/**
 * Translates one match of one HTTP rule of a VirtualService into an Envoy route (docs/reference/pilot.md §3.1).
 * @param delegateKey of the VirtualService that the rule comes from where `owner` delegates to it
 */
export function httpRoute(
  scope: Scope,
  owner: VirtualService,
  rule: HttpRoute,
  match: HttpMatch | undefined,
  binding: RouteBinding,
  delegateKey?: string,
): BuiltRoute {
  const resolve = resolver(scope, owner.namespace, binding);
  const used = usedOf(rule).map((each) => ({ ...each, ...resolve(each.destination) }));
  const [only] = used.length === 1 ? used : [];
  // A single destination's edits come behind the rule's, so that what it sets holds.
  const { request, response } = headerEdits(...headersOf(rule), ...(only ? headersOf(only) : []));
  const hashes = used.flatMap(({ host, subset, port }) => hashPolicy(scope, host, subset, port) ?? []).slice(0, 8);
  const { typedPerFilterConfig, configKeys } = routeSettings(scope, { rule, destinations: used });
  return {
    message: {
      name: routeName(rule, match),
      match: routeMatch(match),
      action: actionOf(
        { ...rule, retries: rule.retries ?? scope.mesh.retries },
        binding,
        used,
        hashes,
        resolve,
        scope.proxyConfig.proxyHeaders?.xForwardedHost?.enabled ?? false,
      ),
      metadata: { filterMetadata: { istio: { config: configPath(owner.key) } } },
      decorator: { operation: `${owner.name}:${binding.port}/*` },
      statPrefix: match?.statPrefix ?? "",
      ...request,
      ...response,
      typedPerFilterConfig,
    },
    configKeys: [
      ...new Set([
        owner.key,
        ...(delegateKey ? [delegateKey] : []),
        ...hashes.flatMap((each) => each.configKeys),
        ...configKeys,
      ]),
    ],
  };
}

/** The route of a service that no VirtualService is for. */
export function defaultRoute(scope: Scope, host: string, port: number): BuiltRoute {
  const target = scope.target(host);
  const destination = { host: target, subset: "", port: portOf(scope, { host: target }, target, port) };
  const hash = hashPolicy(scope, target, "", destination.port);
  const { typedPerFilterConfig, configKeys } = routeSettings(scope, { destinations: [destination] });
  return {
    message: {
      name: "default",
      match: routeMatch(undefined),
      action: {
        case: "route",
        value: {
          clusterSpecifier: { case: "cluster", value: clusterName(destination) },
          ...NO_TIMEOUT,
          // A host that just failed is left out, also where a hash leads there: as in Istio, only rules ask for the same one again.
          retryPolicy: retryPolicy(scope.mesh.retries, false),
          hashPolicy: hash ? [hash.message] : [],
        },
      },
      decorator: { operation: `${host}:${port}/*` },
      typedPerFilterConfig,
    },
    configKeys: [...new Set([...(hash?.configKeys ?? []), ...configKeys])],
  };
}

/** A destination with what its rule leaves to be found out. */
interface Resolved {
  /** Fully qualified. */
  readonly host: string;
  /** Empty for the whole service. */
  readonly subset: string;
  readonly port: number;
}

type Used = HttpDestination & Resolved;

const clusterName = ({ port, subset, host }: Resolved): string => outboundCluster(port, subset, host);

function resolver(scope: Scope, namespace: string, binding: RouteBinding): (destination: Destination) => Resolved {
  return (destination) => {
    const host = scope.target(canonicalHost(resolveShortName(destination.host, namespace, scope.mesh.domain)));
    return { host, subset: destination.subset ?? "", port: portOf(scope, destination, host, binding.port) };
  };
}

function actionOf(
  rule: HttpRoute,
  { port }: RouteBinding,
  used: readonly Used[],
  hashes: readonly Built<HashPolicy>[],
  resolve: (destination: Destination) => Resolved,
  forwardsHost: boolean,
): RouteInit["action"] {
  if (rule.redirect) return { case: "redirect", value: redirectOf(rule.redirect, port) };
  if (rule.directResponse) return { case: "directResponse", value: directResponseOf(rule.directResponse) };
  const ruled = rule.rewrite?.authority || authorityOf(rule.headers);
  const byRegex = rule.rewrite?.uriRegexRewrite;
  return {
    case: "route",
    value: {
      clusterSpecifier: clusterSpecifier(used, ruled === undefined),
      ...routeTimeout(ms(rule.timeout) ?? 0),
      retryPolicy: retryPolicy(rule.retries, used.length === 1 && hashes.length > 0),
      hashPolicy: hashes.map((each) => each.message),
      // Envoy takes one of the two alone.
      prefixRewrite: byRegex ? "" : (rule.rewrite?.uri ?? ""),
      regexRewrite: byRegex && { pattern: { regex: byRegex.match }, substitution: byRegex.rewrite },
      ...(forwardsHost ? { appendXForwardedHost: true } : {}),
      hostRewriteSpecifier: hostRewrite(ruled ?? (used.length === 1 ? authorityOf(used[0]?.headers) : undefined)),
      requestMirrorPolicies: mirrorsOf(rule).map(({ destination, percent }) => ({
        cluster: clusterName(resolve(destination)),
        runtimeFraction: { defaultValue: millionths(percent) },
        disableShadowHostSuffixAppend: true,
      })),
    },
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
function clusterSpecifier(used: readonly Used[], ownHosts: boolean): NonNullable<ActionInit["clusterSpecifier"]> {
  const [first, second] = used;
  if (!first) return { case: "cluster", value: "BlackHoleCluster" };
  if (!second) return { case: "cluster", value: clusterName(first) };
  return {
    case: "weightedClusters",
    value: {
      clusters: used.map((each) => {
        const { request, response } = headerEdits(...headersOf(each));
        return {
          ...{ name: clusterName(each), weight: each.weight ?? 0, ...request, ...response },
          hostRewriteSpecifier: hostRewrite(ownHosts ? authorityOf(each.headers) : undefined),
        };
      }),
    },
  };
}

function hostRewrite(authority: string | undefined) {
  return authority ? { case: "hostRewriteLiteral" as const, value: authority } : { case: undefined };
}

/** The cluster of a destination. @param listenerPort the port that was called */
export function clusterOf(scope: Scope, destination: Destination, host: string, listenerPort: number): string {
  return outboundCluster(portOf(scope, destination, host, listenerPort), destination.subset ?? "", host);
}

/** The port of a destination: its own, else the service's only port, else the port that was called. */
export function portOf(scope: Scope, destination: Destination, host: string, listenerPort: number): number {
  if (destination.port?.number !== undefined) return destination.port.number;
  const ports = scope.service(host)?.ports.filter((each) => each.protocol !== "UDP") ?? [];
  const named = ports.find(({ name }) => name === destination.port?.name);
  if (named) return named.number;
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
