import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationOf } from "@xebec/api-envoy";
import { HeaderValueOption_HeaderAppendAction } from "@xebec/api-envoy/envoy/config/core/v3/base";
import {
  RedirectAction_RedirectResponseCode,
  type RouteAction_HashPolicySchema,
  type RouteActionSchema,
  type RouteSchema,
} from "@xebec/api-envoy/envoy/config/route/v3/route_components";
import { canonicalHost, isHttp, outboundCluster, resolveShortName } from "@xebec/model-names";
import type { HeaderOperations, HttpDestination, HttpMatch, HttpRoute } from "@xebec/model-resources";
import type { VirtualService } from "@xebec/pilot-snapshot";
import { configPath } from "./config-path.ts";
import type { GenerationContext } from "./context.ts";
import { retryPolicy } from "./retry-policy.ts";
import { millionths, routeFilters } from "./route-filters.ts";
import { type RouteScope, routeMatch, routeName } from "./route-match.ts";
import { effectivePolicy, mergedRule, ms } from "./traffic-policy.ts";

type RouteInit = MessageInitShape<typeof RouteSchema>;
type ActionInit = MessageInitShape<typeof RouteActionSchema>;
type HashPolicy = MessageInitShape<typeof RouteAction_HashPolicySchema>;
type Destination = HttpDestination["destination"];

const REDIRECT_CODES: Readonly<Record<number, RedirectAction_RedirectResponseCode>> = {
  301: RedirectAction_RedirectResponseCode.MOVED_PERMANENTLY,
  302: RedirectAction_RedirectResponseCode.FOUND,
  303: RedirectAction_RedirectResponseCode.SEE_OTHER,
  307: RedirectAction_RedirectResponseCode.TEMPORARY_REDIRECT,
  308: RedirectAction_RedirectResponseCode.PERMANENT_REDIRECT,
};

/** Translates one match of one HTTP rule of a VirtualService into an Envoy route (spec/pilot.md §3.1). */
export function httpRoute(
  context: GenerationContext,
  owner: VirtualService,
  rule: HttpRoute,
  match: HttpMatch | undefined,
  scope: RouteScope,
): RouteInit {
  const { request, response } = headerEdits(rule.headers);
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
    typedPerFilterConfig: routeFilters(rule),
  };
}

/** The route of a service that no VirtualService is for. */
export function defaultRoute(context: GenerationContext, host: string, port: number): RouteInit {
  const destination = { host };
  const hash = hashPolicy(context, host, "", port);
  return {
    name: "default",
    match: routeMatch(undefined),
    action: {
      case: "route",
      value: {
        clusterSpecifier: { case: "cluster", value: clusterOf(context, destination, host, port) },
        timeout: durationOf(0),
        maxStreamDuration: { maxStreamDuration: durationOf(0), grpcTimeoutHeaderMax: durationOf(0) },
        retryPolicy: retryPolicy(undefined, hash.length > 0),
        hashPolicy: hash,
      },
    },
    decorator: { operation: `${host}:${port}/*` },
  };
}

function actionOf(context: GenerationContext, owner: VirtualService, rule: HttpRoute, scope: RouteScope): ActionInit {
  const host = (destination: Destination): string =>
    canonicalHost(resolveShortName(destination.host, owner.namespace, context.snapshot.mesh.domain));
  const all = rule.route ?? [];
  // With several destinations a weight of zero takes no traffic; a single one takes all, whatever its weight.
  const used = all.length > 1 ? all.filter((each) => (each.weight ?? 0) > 0) : all;
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
  const timeout = durationOf(ms(rule.timeout) ?? 0);
  const authority = rule.rewrite?.authority ?? authorityOf(rule.headers?.request);
  return {
    clusterSpecifier: clusterSpecifier(context, used, host, scope),
    timeout,
    maxStreamDuration: { maxStreamDuration: durationOf(0), grpcTimeoutHeaderMax: timeout },
    retryPolicy: retryPolicy(rule.retries, hash.length > 0),
    hashPolicy: hash,
    prefixRewrite: rule.rewrite?.uri ?? "",
    ...(rule.rewrite?.uriRegexRewrite
      ? {
          regexRewrite: {
            pattern: { regex: rule.rewrite.uriRegexRewrite.match },
            substitution: rule.rewrite.uriRegexRewrite.rewrite,
          },
        }
      : {}),
    hostRewriteSpecifier: authority ? { case: "hostRewriteLiteral", value: authority } : { case: undefined },
    requestMirrorPolicies: mirrorsOf(rule).map(({ destination, percent }) => ({
      cluster: clusterOf(context, destination, host(destination), scope.port),
      runtimeFraction: { defaultValue: millionths(percent) },
      disableShadowHostSuffixAppend: true,
    })),
  };
}

function clusterSpecifier(
  context: GenerationContext,
  used: readonly HttpDestination[],
  host: (destination: Destination) => string,
  scope: RouteScope,
): NonNullable<ActionInit["clusterSpecifier"]> {
  const [first, second] = used;
  if (!first) return { case: "cluster", value: "BlackHoleCluster" };
  if (!second && !first.headers)
    return { case: "cluster", value: clusterOf(context, first.destination, host(first.destination), scope.port) };
  return {
    case: "weightedClusters",
    value: {
      clusters: used.map((each) => {
        const { request, response } = headerEdits(each.headers);
        const authority = authorityOf(each.headers?.request);
        return {
          name: clusterOf(context, each.destination, host(each.destination), scope.port),
          weight: used.length === 1 ? 100 : (each.weight ?? 0),
          hostRewriteSpecifier: authority ? { case: "hostRewriteLiteral", value: authority } : { case: undefined },
          ...request,
          ...response,
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
  return ports.find((each) => isHttp(each.protocol))?.number ?? listenerPort;
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

/** Consistent hashing lives on routes: the destination's load balancer says by what (spec/pilot.md §3.2). */
function hashPolicy(context: GenerationContext, host: string, subset: string, port: number): HashPolicy[] {
  const service = context.service(host);
  if (!service) return [];
  const rule = mergedRule(context.destinationRules(service));
  const hash = effectivePolicy(rule?.spec, subset, port).loadBalancer?.consistentHash;
  if (hash?.httpHeaderName)
    return [{ policySpecifier: { case: "header", value: { headerName: hash.httpHeaderName } } }];
  if (hash?.httpCookie) {
    const ttl = ms(hash.httpCookie.ttl);
    return [
      {
        policySpecifier: {
          case: "cookie",
          value: {
            name: hash.httpCookie.name,
            path: hash.httpCookie.path ?? "",
            ...(ttl === undefined ? {} : { ttl: durationOf(ttl) }),
          },
        },
      },
    ];
  }
  if (hash?.useSourceIp) return [{ policySpecifier: { case: "connectionProperties", value: { sourceIp: true } } }];
  if (hash?.httpQueryParameterName)
    return [{ policySpecifier: { case: "queryParameter", value: { name: hash.httpQueryParameterName } } }];
  return [];
}

function redirectOf(redirect: NonNullable<HttpRoute["redirect"]>, listenerPort: number) {
  const port = redirect.port ?? (redirect.derivePort === "FROM_REQUEST_PORT" ? listenerPort : undefined);
  const elided = (redirect.scheme === "http" && port === 80) || (redirect.scheme === "https" && port === 443);
  return {
    responseCode: REDIRECT_CODES[redirect.redirectCode ?? 301] ?? RedirectAction_RedirectResponseCode.MOVED_PERMANENTLY,
    hostRedirect: redirect.authority ?? "",
    pathRewriteSpecifier: redirect.uri ? { case: "pathRedirect" as const, value: redirect.uri } : { case: undefined },
    schemeRewriteSpecifier: redirect.scheme
      ? { case: "schemeRedirect" as const, value: redirect.scheme }
      : { case: undefined },
    portRedirect: port !== undefined && !elided ? port : 0,
  };
}

function directResponseOf(direct: NonNullable<HttpRoute["directResponse"]>) {
  const text = direct.body?.string;
  const bytes = direct.body?.bytes;
  return {
    status: direct.status,
    ...(text !== undefined
      ? { body: { specifier: { case: "inlineString" as const, value: text } } }
      : bytes !== undefined
        ? { body: { specifier: { case: "inlineBytes" as const, value: Buffer.from(bytes, "base64") } } }
        : {}),
  };
}

const isAuthority = (name: string): boolean => ["host", ":authority"].includes(name.toLowerCase());

function authorityOf(operations: HeaderOperations | undefined): string | undefined {
  return Object.entries(operations?.set ?? {}).find(([name]) => isAuthority(name))?.[1];
}

function headerEdits(headers: HttpRoute["headers"]) {
  const add = (operations: HeaderOperations | undefined) => [
    ...Object.entries(operations?.set ?? {})
      .filter(([name]) => !isAuthority(name))
      .map(([key, value]) => ({
        header: { key, value },
        appendAction: HeaderValueOption_HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD,
      })),
    ...Object.entries(operations?.add ?? {}).map(([key, value]) => ({
      header: { key, value },
      appendAction: HeaderValueOption_HeaderAppendAction.APPEND_IF_EXISTS_OR_ADD,
    })),
  ];
  return {
    request: { requestHeadersToAdd: add(headers?.request), requestHeadersToRemove: headers?.request?.remove ?? [] },
    response: {
      responseHeadersToAdd: add(headers?.response),
      responseHeadersToRemove: headers?.response?.remove ?? [],
    },
  };
}
