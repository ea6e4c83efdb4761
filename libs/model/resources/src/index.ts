export { annotationBytes, MAX_ANNOTATION_BYTES } from "./annotations.ts";
export { type Condition, decodeCondition, encodeCondition, statusKey } from "./condition.ts";
export { allCrds, type Crd, crdOf } from "./crd/crd.ts";
export type { Kind, KindNames, PrinterColumn, UnsupportedKind } from "./kind.ts";
export type { ClientTls } from "./kinds/destination-rule/client-tls.ts";
export type { ConnectionPool } from "./kinds/destination-rule/connection-pool.ts";
export type { LoadBalancer } from "./kinds/destination-rule/load-balancer.ts";
export type { OutlierDetection } from "./kinds/destination-rule/outlier-detection.ts";
export type { DestinationRuleSpec, Subset, TrafficPolicy } from "./kinds/destination-rule/schema.ts";
export type { GatewayServer, GatewaySpec } from "./kinds/gateway/schema.ts";
export type { MeshConfigSpec } from "./kinds/mesh-config/schema.ts";
export { AttributeManifestSpec } from "./kinds/mixer/attribute-manifest.ts";
export { HandlerSpec } from "./kinds/mixer/handler.ts";
export { ADAPTER_KINDS, TEMPLATE_KINDS } from "./kinds/mixer/index.ts";
export { InstanceSpec } from "./kinds/mixer/instance.ts";
export { RuleSpec } from "./kinds/mixer/rule.ts";
export type { MtlsMode, PeerAuthenticationSpec } from "./kinds/peer-authentication/schema.ts";
export type { ServiceEntrySpec } from "./kinds/service-entry/schema.ts";
export { UNSUPPORTED_KINDS } from "./kinds/unsupported.ts";
export type { HeaderOperations } from "./kinds/virtual-service/headers.ts";
export type { HttpMatch } from "./kinds/virtual-service/http-match.ts";
export type { HttpDestination, HttpRoute } from "./kinds/virtual-service/http-route.ts";
export type { TcpRoute, TlsRoute } from "./kinds/virtual-service/l4-route.ts";
export type { VirtualServiceSpec } from "./kinds/virtual-service/schema.ts";
export { findKind, ISTIO_GROUPS, KINDS, kindOf, unsupportedKindOf, unsupportedKindText } from "./kinds.ts";
export { meaningMark } from "./meaning-mark.ts";
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
export { type Page, referencePages } from "./reference/page.ts";
export {
  collectionOf,
  decodeResource,
  encodeResource,
  keyOf,
  type Origin,
  parseKey,
  type Resource,
} from "./resource.ts";
export { Checker } from "./rules/checker.ts";
