import type { MessageInitShape } from "@bufbuild/protobuf";
import { anyOf, durationOf } from "@xebec/api-envoy";
import { HTTPFaultSchema } from "@xebec/api-envoy/envoy/extensions/filters/http/fault/v3/fault";
import type { HttpRoute } from "@xebec/model-resources";
import { ms } from "../../cluster/traffic-policy.ts";
import { millionths } from "../../route/percent.ts";
import type { HttpFilter } from "./http-filter.ts";
import { typedFilter } from "./typed-filter.ts";

/** Fault injection: a VirtualService's `fault` (docs/reference/pilot.md §3.1, Fault). */
export const fault: HttpFilter = {
  name: "envoy.filters.http.fault",
  phase: "traffic",
  listener: () => typedFilter(fault.name, anyOf(HTTPFaultSchema, {})),
  route: (_scope, { rule }) =>
    rule?.fault ? { name: fault.name, message: faultOf(rule.fault), configKeys: [] } : undefined,
};

/** gRPC status names as Istio's `grpcStatus` has them. */
const GRPC_STATUS: Readonly<Record<string, number>> = Object.fromEntries(
  "OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED"
    .split(" ")
    .map((name, number) => [name, number]),
);

/** The fraction of requests that a fault applies to: without a percentage none, as in Istio. */
function fractionOf({ percentage, percent = 0 }: { percentage?: { value?: number }; percent?: number }) {
  return millionths(percentage ? (percentage.value ?? 0) : percent);
}

function faultOf({ delay, abort }: NonNullable<HttpRoute["fault"]>) {
  const fixed = ms(delay?.fixedDelay);
  const grpcStatus =
    abort?.grpcStatus === undefined ? undefined : (GRPC_STATUS[abort.grpcStatus] ?? Number(abort.grpcStatus));
  const config: MessageInitShape<typeof HTTPFaultSchema> = {};
  if (delay && fixed !== undefined)
    config.delay = {
      faultDelaySecifier: { case: "fixedDelay", value: durationOf(fixed) },
      percentage: fractionOf(delay),
    };
  if (abort && (abort.httpStatus !== undefined || grpcStatus !== undefined))
    config.abort = {
      errorType:
        grpcStatus === undefined
          ? { case: "httpStatus", value: abort.httpStatus ?? 0 }
          : { case: "grpcStatus", value: grpcStatus },
      percentage: fractionOf(abort),
    };
  return anyOf(HTTPFaultSchema, config);
}
