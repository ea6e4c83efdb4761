import type { MessageInitShape } from "@bufbuild/protobuf";
import type { RouteActionSchema } from "@xebec/api-envoy/envoy/config/route/v3/route_components";
import type { BuiltRoute, RouteInit } from "../build/built.ts";
import type { EncodedResource } from "../encode/encoded.ts";
import { encodeRouteConfiguration } from "../encode/route-configuration.ts";
import { encodeVirtualHost } from "../encode/virtual-host.ts";
import { fault } from "../filter/http/fault.ts";
import { grpcTargetOf } from "../scope/grpc-service.ts";
import type { Scope } from "../scope/scope.ts";
import { routeTable } from "./route-table.ts";
import { serviceVirtualHost } from "./virtual-host.ts";

type Action = MessageInitShape<typeof RouteActionSchema>;
/** Builders return initial fields, and never messages. */
type Match = Exclude<NonNullable<RouteInit["match"]>, { readonly $typeName: string }>;
type Header = Exclude<NonNullable<Match["headers"]>[number], { readonly $typeName: string }>;

/** A route that needs more alternatives than this is left out. */
const MAX_ALTERNATIVES = 16;

/**
 * The route table of gRPC's own clients for a service's port (docs/reference/pilot.md §4.3): its only virtual host, whatever the
 * authority of a call is, as it was the target of the channel that chose the service.
 * @param name `outbound|PORT||HOST`
 */
export function grpcRouteTable(scope: Scope, name: string): EncodedResource | undefined {
  const target = grpcTargetOf(scope, name);
  if (!target) return undefined;
  const built = serviceVirtualHost(scope, target.service, target.port.number);
  const host = encodeVirtualHost(scope, { ...built, domains: ["*"], routes: built.routes.flatMap(grpcRoutes) }, name);
  return encodeRouteConfiguration(scope, routeTable(name, { ignorePort: false }), host ? [host] : []);
}

/** A route with what gRPC's clients know, as often as its match has alternatives. */
function grpcRoutes({ message, configKeys }: BuiltRoute): BuiltRoute[] {
  const { name, match, action, typedPerFilterConfig } = message;
  return alternatives((match ?? {}) as Match).map((each) => ({
    message: {
      ...{ name, match: each, typedPerFilterConfig: faultsOf(typedPerFilterConfig) },
      action: action?.case === "route" ? { case: "route", value: actionOf(action.value) } : action,
    },
    configKeys,
  }));
}

/**
 * Calls have no query and no dynamic metadata: what asks for them never matches, and must not match more because gRPC overlooks it.
 * A header that is missing matches no text in gRPC, inverted or not: that is an alternative of its own.
 */
function alternatives({ headers = [], ...match }: Match): Match[] {
  if (match.queryParameters?.length || match.dynamicMetadata?.length) return [];
  let all: Header[][] = [[]];
  for (const header of headers as readonly Header[]) {
    const { treatMissingHeaderAsEmpty, ...given } = header;
    const either: Header[] = treatMissingHeaderAsEmpty
      ? [
          given,
          { name: header.name ?? "", headerMatchSpecifier: { case: "presentMatch", value: true }, invertMatch: true },
        ]
      : [given];
    all = all.flatMap((before) => either.map((one) => [...before, one]));
    if (all.length > MAX_ALTERNATIVES) return [];
  }
  return all.map((each) => ({ ...match, headers: each }));
}

function actionOf({ clusterSpecifier, timeout, retryPolicy, hashPolicy }: Action): Action {
  const isLimited = timeout !== undefined && ((timeout.seconds ?? 0n) > 0n || (timeout.nanos ?? 0) > 0);
  const { numRetries, retryOn, retryBackOff } = retryPolicy ?? {};
  return {
    clusterSpecifier:
      clusterSpecifier?.case === "weightedClusters"
        ? {
            case: "weightedClusters",
            value: { clusters: (clusterSpecifier.value.clusters ?? []).map(({ name, weight }) => ({ name, weight })) },
          }
        : clusterSpecifier,
    // The only limit of time that gRPC takes from a route.
    ...(isLimited ? { maxStreamDuration: { maxStreamDuration: timeout } } : {}),
    ...(retryPolicy ? { retryPolicy: { numRetries, retryOn, retryBackOff } } : {}),
    hashPolicy,
  };
}

function faultsOf(settings: RouteInit["typedPerFilterConfig"] = {}): RouteInit["typedPerFilterConfig"] {
  const own = settings[fault.name];
  return own ? { [fault.name]: own } : {};
}
