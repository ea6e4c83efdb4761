import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationOf } from "@xebec/api-envoy";
import type { RouteActionSchema } from "@xebec/api-envoy/envoy/config/route/v3/route_components";

/**
 * The time that a route gives a request; zero means no limit. A client of gRPC may ask for less with `grpc-timeout`.
 *
 * Envoy ignores `timeout` where `max_stream_duration` is set, and `grpc-timeout` where neither that nor `max_grpc_timeout` is:
 * so the deprecated field is the right one (docs/reference/pilot.md §3.1), as in Istio.
 */
export function routeTimeout(
  milliseconds: number,
): Pick<MessageInitShape<typeof RouteActionSchema>, "timeout" | "maxGrpcTimeout"> {
  const timeout = durationOf(milliseconds);
  return { timeout, maxGrpcTimeout: timeout };
}

/** No limit, for calls that come in: the caller's proxy has its own, and a client's `grpc-timeout` holds all the same. */
export const NO_TIMEOUT = routeTimeout(0);
