import { notSupported } from "@xebec/model-schema";
import type { Kind, UnsupportedKind } from "./kind.ts";
import { meshPolicy, policy } from "./kinds/authentication-policy/index.ts";
import { authorizationPolicy } from "./kinds/authorization-policy/index.ts";
import { destinationRule } from "./kinds/destination-rule/index.ts";
import { envoyFilter } from "./kinds/envoy-filter/index.ts";
import { gateway } from "./kinds/gateway/index.ts";
import { meshConfig } from "./kinds/mesh-config/index.ts";
import { mixerKinds } from "./kinds/mixer/index.ts";
import { peerAuthentication } from "./kinds/peer-authentication/index.ts";
import { proxyConfig } from "./kinds/proxy-config/index.ts";
import { clusterRbacConfig, rbacConfig } from "./kinds/rbac-config/index.ts";
import { requestAuthentication } from "./kinds/request-authentication/index.ts";
import { serviceEntry } from "./kinds/service-entry/index.ts";
import { serviceRole } from "./kinds/service-role/index.ts";
import { serviceRoleBinding } from "./kinds/service-role-binding/index.ts";
import { sidecar } from "./kinds/sidecar/index.ts";
import { telemetry } from "./kinds/telemetry/index.ts";
import { REFUSED_KINDS } from "./kinds/unsupported.ts";
import { virtualService } from "./kinds/virtual-service/index.ts";
import { wasmPlugin } from "./kinds/wasm-plugin/index.ts";
import { workloadEntry } from "./kinds/workload-entry/index.ts";
import { workloadGroup } from "./kinds/workload-group/index.ts";

export type { AuthenticationPolicySpec, PolicyJwt } from "./kinds/authentication-policy/schema.ts";
// What the other packages use of the kinds.
export { type ConditionKey, conditionKey, isHttpOnly } from "./kinds/authorization-policy/condition-keys.ts";
export { isPathTemplate } from "./kinds/authorization-policy/path-template.ts";
export type {
  AuthorizationCondition,
  AuthorizationOperation,
  AuthorizationPolicySpec,
  AuthorizationRule,
  AuthorizationSource,
} from "./kinds/authorization-policy/schema.ts";
export type { ClientTls } from "./kinds/destination-rule/client-tls.ts";
export type { ConnectionPool } from "./kinds/destination-rule/connection-pool.ts";
export type { LoadBalancer } from "./kinds/destination-rule/load-balancer.ts";
export type { OutlierDetection } from "./kinds/destination-rule/outlier-detection.ts";
export type { DestinationRuleSpec, Subset, TrafficPolicy } from "./kinds/destination-rule/schema.ts";
export type {
  ClusterMatch,
  EnvoyConfigPatch,
  EnvoyFilterApplyTo,
  EnvoyFilterMatch,
  EnvoyFilterSpec,
  ListenerMatch,
  ProxyMatch,
  RouteConfigurationMatch,
} from "./kinds/envoy-filter/schema.ts";
export { ENVOY_FILTER_TYPES } from "./kinds/envoy-filter/types.ts";
export type { GatewayServer, GatewaySpec } from "./kinds/gateway/schema.ts";
export { ServerTls } from "./kinds/gateway/server-tls.ts";
export { CIPHER_SUITES } from "./kinds/gateway/server-tls-rules.ts";
export { type DiscoverySelectors, selectsNamespace } from "./kinds/mesh-config/discovery-selectors.ts";
export type { ExtAuthzGrpc, ExtAuthzHttp } from "./kinds/mesh-config/ext-authz-providers.ts";
export type { ExtensionProvider } from "./kinds/mesh-config/extension-provider.ts";
export type { MeshNetworks } from "./kinds/mesh-config/networks.ts";
export type { ProxyConfig } from "./kinds/mesh-config/proxy-config.ts";
export { readProxyConfig } from "./kinds/mesh-config/proxy-config-rules.ts";
export type { ProxyTracing } from "./kinds/mesh-config/proxy-tracing.ts";
export { meshConfigKey } from "./kinds/mesh-config/rules.ts";
export type { MeshConfigSpec } from "./kinds/mesh-config/schema.ts";
export { AdapterSpec, Connection, TemplateObjectSpec } from "./kinds/mixer/adapter.ts";
export type {
  ApiAttributes,
  ApiAttributeValue,
  HttpApiSpecBindingSpec,
  HttpApiSpecSpec,
} from "./kinds/mixer/api-spec.ts";
export { apiKeysOf } from "./kinds/mixer/api-spec.ts";
export { AttributeManifestSpec } from "./kinds/mixer/attribute-manifest.ts";
export { boundHost } from "./kinds/mixer/bound-service.ts";
export { HandlerSpec } from "./kinds/mixer/handler.ts";
export { ADAPTER_KINDS, TEMPLATE_KINDS } from "./kinds/mixer/index.ts";
export { InstanceSpec } from "./kinds/mixer/instance.ts";
export type { QuotaSpecBindingSpec, QuotaSpecSpec } from "./kinds/mixer/quota-spec.ts";
export { RuleSpec, ruleCondition } from "./kinds/mixer/rule.ts";
export { readUriTemplate, type UriTemplate } from "./kinds/mixer/uri-template.ts";
export type { MtlsMode, PeerAuthenticationSpec } from "./kinds/peer-authentication/schema.ts";
export type { ProxyConfigSpec } from "./kinds/proxy-config/schema.ts";
export type { RbacConfigSpec } from "./kinds/rbac-config/index.ts";
export type { JwtRule, RequestAuthenticationSpec } from "./kinds/request-authentication/schema.ts";
export type { ServiceEntrySpec } from "./kinds/service-entry/schema.ts";
export { type ConstraintKey, constraintKey } from "./kinds/service-role/constraint-keys.ts";
export type { AccessRule, ServiceRoleSpec } from "./kinds/service-role/schema.ts";
export type { RbacSubject, ServiceRoleBindingSpec } from "./kinds/service-role-binding/schema.ts";
export type { LocalityLbSetting } from "./kinds/shared/locality-lb-setting.ts";
export { type PolicyTargetReference, type PolicyTargets, targetRefsOf } from "./kinds/shared/policy-target.ts";
export type { SidecarEgress, SidecarIngress, SidecarSpec } from "./kinds/sidecar/schema.ts";
export type { TelemetrySpec } from "./kinds/telemetry/schema.ts";
export { type HeaderEditor, type HeaderOperations, oldHeaders } from "./kinds/virtual-service/headers.ts";
export type { HttpMatch } from "./kinds/virtual-service/http-match.ts";
export type { HttpDestination, HttpRoute } from "./kinds/virtual-service/http-route.ts";
export type { TcpRoute, TlsRoute } from "./kinds/virtual-service/l4-route.ts";
export type { VirtualServiceSpec } from "./kinds/virtual-service/schema.ts";
export type { WasmPluginSpec } from "./kinds/wasm-plugin/schema.ts";
export type { WorkloadEntrySpec } from "./kinds/workload-entry/schema.ts";
export type { WorkloadGroupSpec } from "./kinds/workload-group/schema.ts";

/** All kinds that are supported, in the order of their groups. A new kind has a line here, and one above for its types. */
export const KINDS: readonly Kind[] = [
  virtualService,
  destinationRule,
  gateway,
  serviceEntry,
  workloadEntry,
  workloadGroup,
  sidecar,
  envoyFilter,
  proxyConfig,
  peerAuthentication,
  requestAuthentication,
  policy,
  meshPolicy,
  authorizationPolicy,
  clusterRbacConfig,
  rbacConfig,
  serviceRole,
  serviceRoleBinding,
  telemetry,
  wasmPlugin,
  ...mixerKinds,
  meshConfig,
];

const byCollection = new Map(KINDS.map((kind) => [`${kind.group}/${kind.kind}`, kind]));

/** Kinds of Istio 1.1 and of today's Istio that are known and not supported. */
export const UNSUPPORTED_KINDS: readonly UnsupportedKind[] = REFUSED_KINDS.filter(
  ({ group, kind }) => !byCollection.has(`${group}/${kind}`),
);

/** Groups of Istio's API, also those of which nothing is supported. */
export const ISTIO_GROUPS: readonly string[] = [...new Set(REFUSED_KINDS.map(({ group }) => group))];

const unsupported = new Map(UNSUPPORTED_KINDS.map((kind) => [`${kind.group}/${kind.kind}`, kind]));

/** The kind of a group and kind name; undefined when it is not known or not supported. */
export function kindOf(group: string, kind: string): Kind | undefined {
  return byCollection.get(`${group}/${kind}`);
}

/** A kind of Istio's that is not supported; undefined when it is, or when Istio has no such kind. */
export function unsupportedKindOf(group: string, kind: string): UnsupportedKind | undefined {
  return unsupported.get(`${group}/${kind}`);
}

/** What is reported of an object of such a kind: `Sidecar of networking.istio.io is not supported by this version`. */
export function unsupportedKindText({ group, kind, advice }: UnsupportedKind): string {
  return `${kind} of ${group} ${notSupported(advice)}`;
}

/** Finds a kind by what a user types: kind, plural, or short name, in any case. */
export function findKind(text: string): Kind | undefined {
  const wanted = text.toLowerCase().split(".")[0] as string;
  return KINDS.find(
    (kind) => kind.kind.toLowerCase() === wanted || kind.plural === wanted || kind.shortNames.includes(wanted),
  );
}
