import type { Any } from "@bufbuild/protobuf/wkt";
import { anyOf } from "@xebec/api-envoy";
import { ApiVersion } from "@xebec/api-envoy/envoy/config/core/v3/config_source";
import {
  ExtAuthzPerRouteSchema,
  ExtAuthzSchema,
} from "@xebec/api-envoy/envoy/extensions/filters/http/ext_authz/v3/ext_authz";
import { LuaSchema } from "@xebec/api-envoy/envoy/extensions/filters/http/lua/v3/lua";
import { StatusCode } from "@xebec/api-envoy/envoy/type/v3/http_status";
import { type Policy, policyOf } from "@xebec/mixer-edge";
import { mixerHooks } from "@xebec/pilot-snapshot";
import type { Built } from "../../build/built.ts";
import type { Scope } from "../../scope/scope.ts";
import type { ServiceTarget } from "../../scope/workload.ts";
import { policyService } from "../policy-service.ts";
import { discoveredFilter } from "./discovered-filter.ts";
import type { HttpFilter } from "./http-filter.ts";

/** The name of an entry is this prefix, the namespace of the service, `/` and its name. */
const PREFIX = "mixer.check/";
const nameOf = (namespace: string, name: string): string => `${PREFIX}${namespace}/${name}`;

/**
 * Mixer's check of inbound requests. Where Envoy has all that the rules for a service read, it decides by a script that pilot makes of them
 * (`mixer/edge`); else ext_authz calls mixer-policy. The settings of the virtual host add Istio 1.1's attributes of the called service
 * (docs/reference/pilot.md §5.1).
 */
export const mixerCheck: HttpFilter = {
  name: PREFIX,
  phase: "policy",
  listener: (_scope, { service, serviceNamespace }) =>
    service === undefined || serviceNamespace === undefined
      ? undefined
      : discoveredFilter(nameOf(serviceNamespace, service.name), [ExtAuthzSchema.typeName, LuaSchema.typeName]),
  virtualHost: (_scope, { service }) => ({
    name: nameOf(service.serviceNamespace, service.serviceName),
    message: attributesOf(service),
    configKeys: [],
  }),
  extensionConfig: (scope, name) => {
    if (!name.startsWith(PREFIX)) return undefined;
    const [namespace = "", service = ""] = name.slice(PREFIX.length).split("/", 2);
    const policy = policyFor(scope, namespace, service);
    if (policy.kind !== "edge") return { name, ...checkConfig(scope, policy) };
    const message = anyOf(LuaSchema, {
      defaultSourceCode: { specifier: { case: "inlineString", value: policy.script } },
    });
    return { name, message, configKeys: policy.keys };
  },
};

/** What the rules ask for at a service of the class's workloads. */
function policyFor(scope: Scope, namespace: string, name: string): Policy {
  const { mesh } = scope;
  const { policy } = scope.read(mixerHooks);
  if (mesh.disablePolicyChecks || policy.rules.length === 0) return { kind: "none", keys: [] };
  const isMeant = (each: { readonly name: string; readonly namespace: string }): boolean =>
    each.name === name && each.namespace === namespace;
  const host = scope.ownServices().find(isMeant)?.host ?? `${name}.${namespace}.svc.${mesh.domain}`;
  return policyOf(policy, {
    ...{ rootNamespace: mesh.rootNamespace, namespace, name, host },
    labels: scope.proxyClass.labels,
    failOpen: mesh.policyCheckFailOpen,
  });
}

/** The filter that asks; it is disabled when no rule selects the service. */
function checkConfig(scope: Scope, policy: Policy): Built<Any> {
  const isCalled = policy.kind === "call";
  const failOpen = isCalled ? policy.failOpen : scope.mesh.policyCheckFailOpen;
  const message = anyOf(ExtAuthzSchema, {
    transportApiVersion: ApiVersion.V3,
    services: {
      case: "grpcService",
      value: policyService(scope, failOpen),
    },
    failureModeAllow: failOpen,
    statusOnError: { code: StatusCode.ServiceUnavailable },
    includeTlsSession: true,
    ...(isCalled ? {} : { filterEnabled: { defaultValue: { numerator: 0 } } }),
  });
  return { message, configKeys: policy.keys };
}

/** Mixer reads the rest of a Kubernetes service from its host: it is the same for all, and would be in every listener. */
function attributesOf({ host, serviceName, serviceNamespace }: ServiceTarget): Any {
  const isRead = host.startsWith(`${serviceName}.${serviceNamespace}.svc.`);
  return anyOf(ExtAuthzPerRouteSchema, {
    override: {
      case: "checkSettings",
      value: {
        contextExtensions: {
          "destination.service.host": host,
          ...(isRead
            ? {}
            : {
                "destination.service.name": serviceName,
                "destination.service.namespace": serviceNamespace,
                "destination.service.uid": `istio://${serviceNamespace}/services/${serviceName}`,
              }),
        },
      },
    },
  });
}
