import { authenticationPolicyKind } from "./authentication-policy/authentication-policy.ts";
import { authorizationPolicyKind } from "./authorization-policy/authorization-policy.ts";
import { destinationRuleKind } from "./destination-rule/destination-rule.ts";
import { envoyFilterKind } from "./envoy-filter/envoy-filter.ts";
import { gatewayKind } from "./gateway/gateway.ts";
import type { ConfigKind } from "./kind.ts";
import { meshConfigKind } from "./mesh-config/mesh-config.ts";
import { mixerKinds } from "./mixer/mixer.ts";
import { peerAuthenticationKind } from "./peer-authentication/peer-authentication.ts";
import { proxyConfigKind } from "./proxy-config/proxy-config.ts";
import { rbacKinds } from "./rbac/rbac.ts";
import { requestAuthenticationKind } from "./request-authentication/request-authentication.ts";
import { serviceEntryKind } from "./service-entry/service-entry.ts";
import { sidecarKind } from "./sidecar/sidecar.ts";
import { telemetryKind } from "./telemetry/telemetry.ts";
import { virtualServiceKind } from "./virtual-service/virtual-service.ts";
import { wasmPluginKind } from "./wasm-plugin/wasm-plugin.ts";
import { workloadEntryKind } from "./workload-entry/workload-entry.ts";
import { workloadGroupKind } from "./workload-group/workload-group.ts";

export {
  type AuthenticationPolicy,
  authenticationPolicyOf,
  type PolicyTarget,
} from "./authentication-policy/state.ts";
// What generation uses of the kinds: the forms of their objects, and the queries that find them.
export { type AuthorizationPolicy, authorizationPoliciesOf } from "./authorization-policy/state.ts";
export { credentialPaths, credentialRulesOf, rulesWithCredentials } from "./destination-rule/credentials.ts";
export { destinationRulesOf, hasLabelFailover } from "./destination-rule/queries.ts";
export type { DestinationRule } from "./destination-rule/state.ts";
export {
  type EnvoyFilter,
  type EnvoyFilterSelection,
  envoyFilterSelection,
  envoyFiltersOf,
  proxyMatchKey,
} from "./envoy-filter/state.ts";
export { type Gateway, gatewaysOf } from "./gateway/state.ts";
export { type ProviderServiceReference, providerServiceOf } from "./mesh-config/provider-service.ts";
export { type Mesh, PROVIDER_SIGNALS, type ProviderSignal, providerNamed, providerSort } from "./mesh-config/state.ts";
export { mixerHooks, mixerReports, mixerTcpPolicy } from "./mixer/mixer.ts";
export type { MixerHooks } from "./mixer/mixer-hooks.ts";
export { type PeerAuthentication, peerAuthenticationsOf } from "./peer-authentication/state.ts";
export { type ServiceRbac, serviceRbacOf } from "./rbac/state.ts";
export {
  type RequestAuthentication,
  requestAuthenticationsOf,
} from "./request-authentication/state.ts";
export {
  type EgressHost,
  type EgressListener,
  egressCovers,
  type Sidecar,
  sidecarFor,
  sidecarNamed,
} from "./sidecar/state.ts";
export { type Telemetry, telemetriesOf } from "./telemetry/state.ts";
export {
  virtualServiceOf,
  virtualServicesOfGateway,
  virtualServicesOfSidecars,
} from "./virtual-service/queries.ts";
export { resolveGateway } from "./virtual-service/resolved.ts";
export type { VirtualService } from "./virtual-service/state.ts";
export { moduleSourceOf, type WasmPlugin, wasmPluginsOf } from "./wasm-plugin/state.ts";
export type { WorkloadEntry } from "./workload-entry/workload-entry.ts";
export type { WorkloadGroup } from "./workload-group/workload-group.ts";

/**
 * Every kind of configuration that pilot reads. A new kind has a line here, and one above for its queries; the snapshot and the
 * dependency keys follow.
 */
const KINDS = [
  virtualServiceKind,
  destinationRuleKind,
  gatewayKind,
  serviceEntryKind,
  workloadEntryKind,
  workloadGroupKind,
  sidecarKind,
  envoyFilterKind,
  proxyConfigKind,
  peerAuthenticationKind,
  requestAuthenticationKind,
  authenticationPolicyKind,
  authorizationPolicyKind,
  rbacKinds,
  telemetryKind,
  wasmPluginKind,
  meshConfigKind,
  mixerKinds,
] as const;

type Kind = (typeof KINDS)[number];
type AllOf<Union> = (Union extends unknown ? (each: Union) => void : never) extends (all: infer All) => void
  ? All
  : never;

/** What a snapshot has of all kinds. */
export type ConfigState = AllOf<ReturnType<Kind["initial"]>>;

/** The dependency keys of all kinds. */
export const configKeys = Object.assign({}, ...KINDS.map((each) => each.keys)) as AllOf<Kind["keys"]>;

/** A kind as whoever goes through all of them sees it. */
export type AnyKind = ConfigKind<unknown, object, object>;

export const CONFIG_KINDS: readonly AnyKind[] = KINDS;

const BY_NAME = new Map(CONFIG_KINDS.map((each) => [[each.group, each.kind ?? "*"].join("/"), each]));

/** The kind of an object; undefined for one that pilot does not read. @param key `keyOf` of the object */
export function configKindOf(key: string): AnyKind | undefined {
  const [group, kind] = key.split("/", 2);
  return BY_NAME.get(`${group}/${kind}`) ?? BY_NAME.get(`${group}/*`);
}
