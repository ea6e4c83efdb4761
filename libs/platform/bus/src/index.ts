export { type BusKeys, createBusKeys, makeSeed, publicKeyOf, readPublicKeys, readSeed } from "./access-keys.ts";
export { type BridgeOptions, createBridge } from "./bridge.ts";
export type { Bus } from "./bus.ts";
export { type BusTls, busTlsOf } from "./bus-tls.ts";
export type { Commit } from "./commit.ts";
export { type Conditions, type ConditionUpdate, createConditions } from "./conditions.ts";
export type { KeyValue, KeyValueWatch, KeyValueWatcher } from "./key-value.ts";
export { createMemoryBus } from "./memory-bus.ts";
export { createNatsBus, type NatsBusOptions } from "./nats-bus.ts";
export {
  type NatsConfigOptions,
  type Permissions,
  permissionsOf,
  renderAuthorization,
  renderCluster,
  renderNatsConfig,
  renderSystemAccount,
} from "./nats-config.ts";
export { type NatsControlOptions, reloadServers } from "./nats-control.ts";
export { createNatsHealth, type NatsHealth, type NatsHealthOptions } from "./nats-health.ts";
export { type BusFlags, openBus } from "./open-bus.ts";
export type { RevisionChange } from "./revision-change.ts";
export { createRevisionReader, type RevisionReader, type RevisionReaderOptions } from "./revision-reader.ts";
export { createRevisionWriter, type RevisionWriter, type RevisionWriterOptions } from "./revision-writer.ts";
export { createRevoked, type Revoked, type RevokedOptions } from "./revoked.ts";
export { SecretPublisher } from "./secret-publisher.ts";
export type { SharedEntry, SharedTable } from "./shared-table.ts";
export type { Responder, Subscription } from "./subscription.ts";
export type { WorkItem, WorkOutcome, WorkQueue, WorkQueueWaiting } from "./work-queue.ts";
