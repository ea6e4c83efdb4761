export { type ConfigChange, SnapshotBuilder, type SnapshotBuilderOptions, type SnapshotChange } from "./builder.ts";
export { byAge } from "./collections/by-age.ts";
export type { HostIndex } from "./collections/host-index.ts";
export type { PersistentMap } from "./collections/persistent-map.ts";
export { destinationRulesOf } from "./kinds/destination-rule/queries.ts";
export type { DestinationRule } from "./kinds/destination-rule/state.ts";
export { type Gateway, gatewaysOf } from "./kinds/gateway/state.ts";
export type { ConnectedSidecar, InUse, KnownProxies, ObjectCondition } from "./kinds/kind.ts";
export type { Mesh } from "./kinds/mesh-config/state.ts";
export { mixerHooks } from "./kinds/mixer/mixer.ts";
export type { CheckRule, MixerHooks } from "./kinds/mixer/mixer-hooks.ts";
export { type PeerAuthentication, peerAuthenticationsOf } from "./kinds/peer-authentication/state.ts";
export { type AnyKind as ConfigKind, CONFIG_KINDS } from "./kinds/registry.ts";
export {
  virtualServiceOf,
  virtualServicesOfGateway,
  virtualServicesOfSidecars,
} from "./kinds/virtual-service/queries.ts";
export type { VirtualService } from "./kinds/virtual-service/state.ts";
export { resolveGateway } from "./kinds/virtual-service/virtual-service.ts";
export { objectConditions } from "./object-conditions.ts";
export type { SnapshotOptions } from "./options.ts";
export { snapshotParts } from "./parts.ts";
export type { Query } from "./query.ts";
export { serviceSeenFrom } from "./services/services.ts";
export { dependency, type Snapshot } from "./snapshot.ts";
