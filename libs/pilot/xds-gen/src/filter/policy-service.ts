import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationOf } from "@xebec/api-envoy";
import type { GrpcServiceSchema } from "@xebec/api-envoy/envoy/config/core/v3/grpc_service";
import type { Scope } from "../scope/scope.ts";
import { mixerService } from "./mixer-service.ts";

/**
 * Timeout of one check, including retries; then the fail mode decides. A check that fails closed waits as long as a restart of the
 * policy service, or of the whole control plane, may take; one that fails open continues soon.
 */
const CLOSED_TIMEOUT_MS = 5_000;
const OPEN_TIMEOUT_MS = 500;
/** More than fit into the timeout, which ends them. */
const CHECK_RETRIES = 200;

/**
 * How mixer-policy is asked.
 * @param failOpen requests pass that get no answer
 * @param initialMetadata more headers of the call
 */
export function policyService(
  scope: Scope,
  failOpen: boolean,
  initialMetadata: readonly { readonly key: string; readonly value: string }[] = [],
): MessageInitShape<typeof GrpcServiceSchema> {
  const timeoutMs = failOpen ? OPEN_TIMEOUT_MS : CLOSED_TIMEOUT_MS;
  return {
    targetSpecifier: {
      case: "envoyGrpc",
      value: { ...mixerService(scope, "istio-policy"), skipEnvoyHeaders: true },
    },
    timeout: durationOf(timeoutMs),
    // Retries bridge a restart of the policy service, and find another replica.
    retryPolicy: {
      retryOn: "connect-failure,reset,unavailable,cancelled,refused-stream",
      numRetries: CHECK_RETRIES,
      retryBackOff: { baseInterval: durationOf(25), maxInterval: durationOf(200) },
    },
    // Envoy takes the longest wait for the time of an attempt, too, unless a header says otherwise: what only takes long would be asked, and
    // counted, again and again.
    initialMetadata: [{ key: "x-envoy-upstream-rq-per-try-timeout-ms", value: String(timeoutMs) }, ...initialMetadata],
  };
}
