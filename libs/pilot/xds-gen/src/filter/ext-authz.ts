import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationOf } from "@xebec/api-envoy";
import { ApiVersion } from "@xebec/api-envoy/envoy/config/core/v3/config_source";
import type { GrpcServiceSchema } from "@xebec/api-envoy/envoy/config/core/v3/grpc_service";
import type { ExtAuthzSchema } from "@xebec/api-envoy/envoy/extensions/filters/http/ext_authz/v3/ext_authz";
import type { ExtAuthzSchema as TcpExtAuthzSchema } from "@xebec/api-envoy/envoy/extensions/filters/network/ext_authz/v3/ext_authz";
import type { MetadataMatcherSchema } from "@xebec/api-envoy/envoy/type/matcher/v3/metadata";
import type { ListStringMatcherSchema, StringMatcherSchema } from "@xebec/api-envoy/envoy/type/matcher/v3/string";
import { parseDuration } from "@xebec/core-duration";
import type { ExtAuthzGrpc, ExtAuthzHttp } from "@xebec/model-resources";
import type { Authorizer } from "../security/authorizer.ts";

type HttpExtAuthz = MessageInitShape<typeof ExtAuthzSchema>;
type TcpExtAuthz = MessageInitShape<typeof TcpExtAuthzSchema>;

/** Istio's, where a provider has none. */
const TIMEOUT_MS = 600_000;
/** Prefix of what RBAC's shadow rules write for ext_authz. */
export const SHADOW_PREFIX = "istio_ext_authz_";

/** Prefix of the names of an authorizer's policies: by it ext_authz knows that one of them matches. */
export function policyPrefix(authorizer: string): string {
  return `istio-ext-authz-${authorizer}-`;
}

/** Asks an authorizer about the requests that its policies match. */
export function httpExtAuthz(authorizer: Authorizer): HttpExtAuthz {
  const settings = "http" in authorizer ? authorizer.http : authorizer.grpc;
  const { statusOnError, includeRequestBodyInCheck: body, failOpen = false, clearRouteCache = false } = settings;
  return {
    transportApiVersion: ApiVersion.V3,
    failureModeAllow: failOpen,
    clearRouteCache,
    ...(statusOnError ? { statusOnError: { code: Number(statusOnError) } } : {}),
    ...(body ? { withRequestBody: body } : {}),
    filterEnabledMetadata: policyMatched("envoy.filters.http.rbac", authorizer.name),
    ...("http" in authorizer
      ? { ...allowedHeaders(authorizer.http), services: { case: "httpService", value: httpService(authorizer) } }
      : { services: { case: "grpcService", value: grpcService(authorizer, authorizer.grpc) } }),
  };
}

/** The same for connections without HTTP; undefined for an authorizer that speaks HTTP. */
export function tcpExtAuthz(authorizer: Authorizer): TcpExtAuthz | undefined {
  if (!("grpc" in authorizer)) return undefined;
  return {
    statPrefix: "tcp.",
    transportApiVersion: ApiVersion.V3,
    failureModeAllow: authorizer.grpc.failOpen ?? false,
    grpcService: grpcService(authorizer, authorizer.grpc),
    filterEnabledMetadata: policyMatched("envoy.filters.network.rbac", authorizer.name),
  };
}

/** True for what RBAC, as a filter before, has found a policy of the authorizer for. */
function policyMatched(filter: string, authorizer: string): MessageInitShape<typeof MetadataMatcherSchema> {
  const prefix: MessageInitShape<typeof StringMatcherSchema> = {
    matchPattern: { case: "prefix", value: policyPrefix(authorizer) },
  };
  return {
    filter,
    path: [{ segment: { case: "key", value: `${SHADOW_PREFIX}shadow_effective_policy_id` } }],
    value: { matchPattern: { case: "stringMatch", value: prefix } },
  };
}

function timeoutOf({ timeout }: ExtAuthzHttp | ExtAuthzGrpc) {
  return durationOf((timeout && parseDuration(timeout)) || TIMEOUT_MS);
}

function grpcService({ cluster }: Authorizer, settings: ExtAuthzGrpc): MessageInitShape<typeof GrpcServiceSchema> {
  return {
    // The name of the cluster, Envoy's default, has characters that servers of HTTP/2 refuse.
    targetSpecifier: { case: "envoyGrpc", value: { clusterName: cluster, authority: cluster.replaceAll("|", "_.") } },
    timeout: timeoutOf(settings),
  };
}

function httpService(authorizer: Authorizer & { readonly http: ExtAuthzHttp }) {
  const { cluster, host, http } = authorizer;
  const added = Object.entries(http.includeAdditionalHeadersInCheck ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const upstream = headers(http.headersToUpstreamOnAllow);
  const onDeny = headers(http.headersToDownstreamOnDeny);
  const onAllow = headers(http.headersToDownstreamOnAllow);
  return {
    pathPrefix: http.pathPrefix ?? "",
    serverUri: {
      uri: `http://${host}`,
      httpUpstreamType: { case: "cluster", value: cluster },
      timeout: timeoutOf(http),
    },
    ...(added.length > 0
      ? { authorizationRequest: { headersToAdd: added.map(([key, value]) => ({ key, value })) } }
      : {}),
    ...(upstream || onDeny || onAllow
      ? {
          authorizationResponse: {
            ...(upstream ? { allowedUpstreamHeaders: upstream } : {}),
            ...(onDeny ? { allowedClientHeaders: onDeny } : {}),
            ...(onAllow ? { allowedClientHeadersOnSuccess: onAllow } : {}),
          },
        }
      : {}),
  } as const;
}

function allowedHeaders(http: ExtAuthzHttp): Pick<HttpExtAuthz, "allowedHeaders"> {
  const given = headers(
    http.includeRequestHeadersInCheck?.length ? http.includeRequestHeadersInCheck : http.includeHeadersInCheck,
  );
  return given ? { allowedHeaders: given } : {};
}

/** Names of headers, `NAME`, `NAME*`, `*NAME` or `*`, in any case. */
function headers(names: readonly string[] | undefined): MessageInitShape<typeof ListStringMatcherSchema> | undefined {
  if (!names?.length) return undefined;
  return { patterns: names.map(headerName) };
}

function headerName(name: string): MessageInitShape<typeof StringMatcherSchema> {
  if (name === "*") return { matchPattern: { case: "safeRegex", value: { regex: ".*" } } };
  const ignoreCase = true;
  if (name.startsWith("*")) return { ignoreCase, matchPattern: { case: "suffix", value: name.slice(1) } };
  if (name.endsWith("*")) return { ignoreCase, matchPattern: { case: "prefix", value: name.slice(0, -1) } };
  return { ignoreCase, matchPattern: { case: "exact", value: name } };
}
