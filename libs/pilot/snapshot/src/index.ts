export { SnapshotBuilder, type SnapshotChange, type SnapshotOptions, type StateChange } from "./builder.ts";
export { byAge, type Hosted, HostIndex } from "./host-index.ts";
export { type Mesh, meshOf } from "./mesh.ts";
export { type CheckRule, type MixerHooks, mixerHooksOf } from "./mixer-hooks.ts";
export { PersistentMap } from "./persistent-map.ts";
export {
  type DestinationRule,
  type Gateway,
  type PeerAuthentication,
  resolveGateway,
  type VirtualService,
} from "./rules.ts";
export { dependency, type Snapshot, serviceSeenFrom } from "./snapshot.ts";
