export { type BusKeys, createBusKeys, readPublicKeys, readSeed } from "./access-keys.ts";
export { type BridgeOptions, createBridge } from "./bridge.ts";
export type { Bus, State, StateSubscription, StateWatcher, Subscription, WorkQueue } from "./bus.ts";
export type { Commit } from "./commit.ts";
export { type Conditions, type ConditionUpdate, createConditions } from "./conditions.ts";
export {
  createGenerationReader,
  type GenerationChange,
  type GenerationReader,
  type GenerationReaderOptions,
} from "./generation-reader.ts";
export { createGenerationWriter, type GenerationWriter, type GenerationWriterOptions } from "./generation-writer.ts";
export { createMemoryBus } from "./memory-bus.ts";
export { createNatsBus, type NatsBusOptions } from "./nats-bus.ts";
export {
  type NatsConfigOptions,
  type Permissions,
  permissionsOf,
  renderAuthorization,
  renderHealthAccount,
  renderNatsConfig,
} from "./nats-config.ts";
export { createNatsHealth, type NatsHealth, type NatsHealthOptions } from "./nats-health.ts";
export { type BusFlags, openBus } from "./open-bus.ts";
export { createRevoked, type Revoked, type RevokedOptions } from "./revoked.ts";
