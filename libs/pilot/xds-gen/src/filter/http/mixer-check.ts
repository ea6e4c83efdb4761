import type { Any } from "@bufbuild/protobuf/wkt";
import { anyOf, durationOf } from "@xebec/api-envoy";
import { ApiVersion } from "@xebec/api-envoy/envoy/config/core/v3/config_source";
import {
  ExtAuthzPerRouteSchema,
  ExtAuthzSchema,
} from "@xebec/api-envoy/envoy/extensions/filters/http/ext_authz/v3/ext_authz";
import { StatusCode } from "@xebec/api-envoy/envoy/type/v3/http_status";
import { mixerHooks } from "@xebec/pilot-snapshot";
import type { Built } from "../../build/built.ts";
import type { Scope } from "../../scope/scope.ts";
import type { ServiceTarget } from "../../scope/workload.ts";
import { mixerService } from "../mixer-service.ts";
import { discoveredFilter } from "./discovered-filter.ts";
import type { HttpFilter } from "./http-filter.ts";

/** All services of a namespace share one configuration. The name of the entry is this prefix and the namespace. */
const PREFIX = "mixer.check/";

/**
 * Mixer's check: ext_authz calls mixer-policy for each inbound request to which a rule may apply. The settings of the virtual host
 * add Istio 1.1's attributes of the called service (docs/reference/pilot.md §5.1).
 */
export const mixerCheck: HttpFilter = {
  name: PREFIX,
  phase: "policy",
  listener: (_scope, { serviceNamespace }) =>
    serviceNamespace === undefined
      ? undefined
      : discoveredFilter(`${PREFIX}${serviceNamespace}`, [ExtAuthzSchema.typeName]),
  virtualHost: (_scope, { kind, service }) => ({
    name: `${PREFIX}${service.serviceNamespace}`,
    message: attributesOf(service, kind),
    configKeys: [],
  }),
  extensionConfig: (scope, name) =>
    name.startsWith(PREFIX) ? { name, ...checkConfig(scope, name.slice(PREFIX.length)) } : undefined,
};

/**
 * Timeout of one check, including retries; then the fail mode decides. A mesh that fails closed waits as long as a restart of the
 * policy service, or of the whole control plane, may take; one that fails open continues soon.
 */
const CLOSED_TIMEOUT_MS = 5_000;
const OPEN_TIMEOUT_MS = 500;
/** More than fit into the timeout, which ends them. */
const CHECK_RETRIES = 200;

/**
 * The configuration for the services of a namespace. The filter is disabled when no rule may apply to them: a rule of the root
 * namespace applies everywhere, any other rule to the services of its namespace (docs/reference/mixer.md §7.3).
 */
function checkConfig(scope: Scope, namespace: string): Built<Any> {
  const { mesh } = scope;
  const mixer = scope.read(mixerHooks);
  const rules = mesh.disablePolicyChecks
    ? []
    : mixer.checks.filter((rule) => rule.namespace === mesh.rootNamespace || rule.namespace === namespace);
  const message = anyOf(ExtAuthzSchema, {
    transportApiVersion: ApiVersion.V3,
    services: {
      case: "grpcService",
      value: {
        targetSpecifier: {
          case: "envoyGrpc",
          value: { ...mixerService(scope, "istio-policy"), skipEnvoyHeaders: true },
        },
        timeout: durationOf(mesh.policyCheckFailOpen ? OPEN_TIMEOUT_MS : CLOSED_TIMEOUT_MS),
        // Retries bridge a restart of the policy service.
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
  return { message, configKeys: rules.map(({ key }) => key) };
}

function attributesOf({ host, serviceName, serviceNamespace }: ServiceTarget, reporter: string): Any {
  return anyOf(ExtAuthzPerRouteSchema, {
    override: {
      case: "checkSettings",
      value: {
        contextExtensions: {
          "context.reporter.kind": reporter,
          "destination.service.host": host,
          "destination.service.name": serviceName,
          "destination.service.namespace": serviceNamespace,
          "destination.service.uid": `istio://${serviceNamespace}/services/${serviceName}`,
        },
      },
    },
  });
}
