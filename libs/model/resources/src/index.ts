export { annotationBytes, MAX_ANNOTATION_BYTES } from "./annotations.ts";
export { type Condition, decodeCondition, encodeCondition, statusKey } from "./condition.ts";
export type { Kind } from "./kind.ts";
export type { MeshConfigSpec } from "./kinds/core.ts";
export type {
  ClientTls,
  ConnectionPool,
  DestinationRuleSpec,
  LoadBalancer,
  OutlierDetection,
  Subset,
  TrafficPolicy,
} from "./kinds/destination-rule.ts";
export type { GatewayServer, GatewaySpec } from "./kinds/gateway.ts";
export type { AttributeManifestSpec, HandlerSpec, InstanceSpec, RuleSpec } from "./kinds/mixer.ts";
export { ADAPTER_KINDS, TEMPLATE_KINDS } from "./kinds/mixer.ts";
export type { MtlsMode, PeerAuthenticationSpec } from "./kinds/peer-authentication.ts";
export type { ServiceEntrySpec } from "./kinds/service-entry.ts";
export type {
  HeaderOperations,
  HttpDestination,
  HttpMatch,
  HttpRoute,
  TcpRoute,
  TlsRoute,
  VirtualServiceSpec,
} from "./kinds/virtual-service.ts";
export { findKind, KINDS, kindOf } from "./kinds.ts";
export { meaningMark } from "./meaning-mark.ts";
export { ISTIO_GROUPS, kindNotServed, notServed, notServedKinds } from "./not-served.ts";
export {
  type ConfigPosition,
  consumersOf,
  decodeObserved,
  encodeObserved,
  hasReached,
  isObservedKey,
  type Observed,
  observedKey,
} from "./observed.ts";
export { type ConditionReason, type ConditionSpeaker, type ConditionState, REASONS, type ReasonOf } from "./reasons.ts";
export {
  collectionOf,
  decodeResource,
  encodeResource,
  keyOf,
  type Origin,
  parseKey,
  type Resource,
} from "./resource.ts";
export { checkStructure, pathText, type Violation } from "./structure.ts";
