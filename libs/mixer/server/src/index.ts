export { AdapterPages } from "./adapter-pages.ts";
export { type MixerParts, policyComponents, telemetryComponents } from "./components.ts";
export {
  type ConfigStore,
  checkMixerConfig,
  configStoreOf,
  type MixerConfig,
  PolicyConfig,
  TelemetryConfig,
} from "./config.ts";
export type { CheckExplanation, RuleExplanation } from "./explain-check.ts";
// For those who put a service together themselves:
export type { LoadSheddingOptions } from "./load-shedding.ts";
export {
  createMixerPolicy,
  createMixerTelemetry,
  type MixerService,
  type MixerServiceOptions,
} from "./mixer-service.ts";
