export {
  type ConfigChange,
  keySetRefsIn,
  SnapshotBuilder,
  type SnapshotBuilderOptions,
  type SnapshotChange,
} from "./builder.ts";
export { byAge } from "./collections/by-age.ts";
export type { HostIndex } from "./collections/host-index.ts";
export type { PersistentMap } from "./collections/persistent-map.ts";
export { type KeySet, type KeySetChange, keysOf } from "./key-sets/key-sets.ts";
export { type KeySetRef, type KeySource, keySetRefOf } from "./key-sets/references.ts";
export type { ConnectedSidecar, InUse, KnownProxies, ObjectCondition } from "./kinds/kind.ts";
export * from "./kinds/registry.ts";
export type { HostAddressChange, HostAddresses } from "./network-gateways/host-addresses.ts";
export { type NetworkGateway, networkGatewaysOf } from "./network-gateways/network-gateways.ts";
export { objectConditions } from "./object-conditions.ts";
export type { JwksFetch, SnapshotOptions } from "./options.ts";
export { snapshotParts } from "./parts.ts";
export type { Query } from "./query.ts";
export { credentialOf, namespacesWithSecret } from "./secrets/secrets.ts";
export { isEndpointsKey, serviceSeenFrom } from "./services/services.ts";
export { dependency, type Snapshot } from "./snapshot.ts";
