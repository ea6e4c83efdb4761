import { anyOf } from "@xebec/api-envoy";
import { ApiVersion } from "@xebec/api-envoy/envoy/config/core/v3/config_source";
import { ExtAuthzSchema } from "@xebec/api-envoy/envoy/extensions/filters/network/ext_authz/v3/ext_authz";
import { policyOf } from "@xebec/mixer-edge";
import { mixerTcpPolicy } from "@xebec/pilot-snapshot";
import { policyService } from "../policy-service.ts";
import type { NetworkFilter } from "./network-filter.ts";

/**
 * Mixer's check of inbound connections without HTTP: mixer-policy is asked when their first bytes come, and a denial closes them. Only
 * chains that some rule may select have it. The called service goes along as metadata of the call: this filter has nothing else for it.
 */
export const tcpMixerCheck: NetworkFilter = {
  name: "envoy.filters.network.ext_authz/MIXER",
  phase: "policy",
  chain: (scope, connection) => {
    if (connection.protocol !== "tcp" || connection.kind !== "inbound" || !connection.service) return undefined;
    const { mesh, proxyClass } = scope;
    const rules = scope.read(mixerTcpPolicy);
    if (mesh.disablePolicyChecks || rules.rules.length === 0 || proxyClass.generator) return undefined;
    const { host, name, namespace } = connection.service;
    const policy = policyOf(rules, {
      ...{ rootNamespace: mesh.rootNamespace, namespace, name, host, labels: proxyClass.labels },
      ...{ failOpen: mesh.policyCheckFailOpen, protocol: "tcp" },
    });
    if (policy.kind !== "call") return undefined;
    const { failOpen } = policy;
    const value = anyOf(ExtAuthzSchema, {
      ...{ statPrefix: "tcp.", transportApiVersion: ApiVersion.V3, failureModeAllow: failOpen },
      grpcService: policyService(scope, failOpen, [
        { key: "destination.service.host", value: host },
        { key: "destination.service.name", value: name },
        { key: "destination.service.namespace", value: namespace },
      ]),
    });
    return {
      name: "envoy.filters.network.ext_authz",
      message: { configType: { case: "typedConfig", value } },
      configKeys: policy.keys,
    };
  },
};
