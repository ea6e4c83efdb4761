export type { Bus, State, StateSubscription, StateWatcher, Subscription, WorkQueue } from "./bus.ts";
export type { Commit } from "./commit.ts";
export {
  createGenerationReader,
  type GenerationChange,
  type GenerationReader,
  type GenerationReaderOptions,
} from "./generation-reader.ts";
export { createGenerationWriter, type GenerationWriter, type GenerationWriterOptions } from "./generation-writer.ts";
export { createMemoryBus } from "./memory-bus.ts";
