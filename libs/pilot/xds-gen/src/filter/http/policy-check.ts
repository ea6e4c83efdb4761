import type { Any } from "@bufbuild/protobuf/wkt";
import { anyOf, durationOf } from "@xebec/api-envoy";
import { ApiVersion } from "@xebec/api-envoy/envoy/config/core/v3/config_source";
import {
  ExtAuthzPerRouteSchema,
  ExtAuthzSchema,
} from "@xebec/api-envoy/envoy/extensions/filters/http/ext_authz/v3/ext_authz";
import { StatusCode } from "@xebec/api-envoy/envoy/type/v3/http_status";
import type { Scope } from "../../scope/scope.ts";
import type { ServiceTarget } from "../../scope/workload.ts";
import { mixerService } from "../access-log.ts";

/** Checks are configured for all services of a namespace together: the name of the filter is this and the namespace. */
export const CHECK_PREFIX = "mixer.check/";
export const CHECK_FILTER_TYPE = ExtAuthzSchema.typeName;

/**
 * How long one check may take, retries included, before the fail mode decides. A mesh that fails closed waits as long as a
 * policy service, or the whole control plane, may take to come back; one that fails open prefers to go on.
 */
const CLOSED_TIMEOUT_MS = 5_000;
const OPEN_TIMEOUT_MS = 500;
/** So many that the time above ends them. */
const CHECK_RETRIES = 200;

/**
 * The configuration of the filter that asks mixer-policy for the services of a namespace. It lets everything pass when no rule
 * may apply to them: a rule of the root namespace applies everywhere, any other to the services of its namespace
 * (docs/reference/mixer.md §7.3).
 */
export function checkConfig(
  scope: Scope,
  namespace: string,
): { readonly config: Any; readonly configKeys: readonly string[] } {
  const { mesh } = scope;
  const mixer = scope.mixer();
  const rules = mesh.disablePolicyChecks
    ? []
    : mixer.checks.filter((rule) => rule.namespace === mesh.rootNamespace || rule.namespace === namespace);
  const config = anyOf(ExtAuthzSchema, {
    transportApiVersion: ApiVersion.V3,
    services: {
      case: "grpcService",
      value: {
        targetSpecifier: {
          case: "envoyGrpc",
          value: { ...mixerService(scope, "istio-policy"), skipEnvoyHeaders: true },
        },
        timeout: durationOf(mesh.policyCheckFailOpen ? OPEN_TIMEOUT_MS : CLOSED_TIMEOUT_MS),
        // A restart of the policy service is bridged: the call is tried again until it is back or time is up.
        retryPolicy: {
          retryOn: "connect-failure,reset,unavailable,cancelled,refused-stream",
          numRetries: CHECK_RETRIES,
          retryBackOff: { baseInterval: durationOf(25), maxInterval: durationOf(200) },
        },
      },
    },
    failureModeAllow: mesh.policyCheckFailOpen,
    statusOnError: { code: StatusCode.ServiceUnavailable },
    includeTlsSession: true,
    ...(rules.length > 0 ? {} : { filterEnabled: { defaultValue: { numerator: 0 } } }),
  });
  return { config, configKeys: rules.map(({ key }) => key) };
}

/**
 * What the proxy tells with each check of a service's route: Istio 1.1's attributes of the service
 * (docs/reference/pilot.md §5.1).
 */
export function checkSettings(
  target: Pick<ServiceTarget, "host" | "serviceName" | "serviceNamespace">,
  reporter: "inbound" | "outbound",
) {
  return {
    [`${CHECK_PREFIX}${target.serviceNamespace}`]: anyOf(ExtAuthzPerRouteSchema, {
      override: {
        case: "checkSettings",
        value: {
          contextExtensions: {
            "context.reporter.kind": reporter,
            "destination.service.host": target.host,
            "destination.service.name": target.serviceName,
            "destination.service.namespace": target.serviceNamespace,
            "destination.service.uid": `istio://${target.serviceNamespace}/services/${target.serviceName}`,
          },
        },
      },
    }),
  };
}
