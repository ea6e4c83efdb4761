import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { anyOf, durationOf } from "@xebec/api-envoy";
import { CorsPolicySchema } from "@xebec/api-envoy/envoy/extensions/filters/http/cors/v3/cors";
import { HTTPFaultSchema } from "@xebec/api-envoy/envoy/extensions/filters/http/fault/v3/fault";
import { FractionalPercent_DenominatorType, FractionalPercentSchema } from "@xebec/api-envoy/envoy/type/v3/percent";
import type { HttpRoute } from "@xebec/model-resources";
import { ms } from "../cluster/traffic-policy.ts";
import { stringMatcher } from "./string-match.ts";

/** gRPC status names as Istio's `grpcStatus` has them. */
const GRPC_STATUS: Readonly<Record<string, number>> = Object.fromEntries(
  "OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED"
    .split(" ")
    .map((name, number) => [name, number]),
);

/** A percentage in Envoy's millionths. */
export function millionths(percent: number) {
  return create(FractionalPercentSchema, {
    numerator: Math.round(percent * 10_000),
    denominator: FractionalPercent_DenominatorType.MILLION,
  });
}

/** Settings of HTTP filters for one route: fault injection and CORS (docs/reference/pilot.md §3.1, Fault, CORS). */
export function routeFilters(rule: HttpRoute) {
  return {
    ...(rule.fault ? { "envoy.filters.http.fault": faultOf(rule.fault) } : {}),
    ...(rule.corsPolicy ? { "envoy.filters.http.cors": corsOf(rule.corsPolicy) } : {}),
  };
}

/** What part of the requests a fault hits: without a percentage none, as in Istio. */
function shareOf({ percentage, percent = 0 }: { percentage?: { value?: number }; percent?: number }) {
  return millionths(percentage ? (percentage.value ?? 0) : percent);
}

function faultOf({ delay, abort }: NonNullable<HttpRoute["fault"]>) {
  const fixed = ms(delay?.fixedDelay);
  const grpcStatus =
    abort?.grpcStatus === undefined ? undefined : (GRPC_STATUS[abort.grpcStatus] ?? Number(abort.grpcStatus));
  const fault: MessageInitShape<typeof HTTPFaultSchema> = {};
  if (delay && fixed !== undefined)
    fault.delay = {
      faultDelaySecifier: { case: "fixedDelay", value: durationOf(fixed) },
      percentage: shareOf(delay),
    };
  if (abort && (abort.httpStatus !== undefined || grpcStatus !== undefined))
    fault.abort = {
      errorType:
        grpcStatus === undefined
          ? { case: "httpStatus", value: abort.httpStatus ?? 0 }
          : { case: "grpcStatus", value: grpcStatus },
      percentage: shareOf(abort),
    };
  return anyOf(HTTPFaultSchema, fault);
}

const ANY_TEXT = { matchPattern: { case: "safeRegex" as const, value: { regex: ".*" } } };

function corsOf(cors: NonNullable<HttpRoute["corsPolicy"]>) {
  const maxAge = ms(cors.maxAge);
  const origins = [
    ...(cors.allowOrigins ?? []),
    ...(cors.allowOrigin ?? []).map((exact) => (exact === "*" ? { regex: ".*" } : { exact })),
  ];
  return anyOf(CorsPolicySchema, {
    allowOriginStringMatch: origins.map((each) => stringMatcher(each) ?? ANY_TEXT),
    allowMethods: (cors.allowMethods ?? []).join(","),
    allowHeaders: (cors.allowHeaders ?? []).join(","),
    exposeHeaders: (cors.exposeHeaders ?? []).join(","),
    maxAge: maxAge === undefined ? "" : String(Math.floor(maxAge / 1000)),
    ...(cors.allowCredentials === undefined ? {} : { allowCredentials: cors.allowCredentials }),
    filterEnabled: { defaultValue: millionths(100) },
  });
}
