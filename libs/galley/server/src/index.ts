export { reviewObject } from "./admission.ts";
export { checkGalleyConfig, GalleyConfig, managesWebhook, needsKubernetes } from "./config.ts";
export { type ConfigPublisher, type ConfigPublisherOptions, createConfigPublisher } from "./config-publisher.ts";
export type {
  ConfigError,
  ConfigSource,
  EarlierContent,
  PlaceContent,
  SourceHost,
  ValidationRules,
} from "./config-source.ts";
export { createDirectorySource } from "./directory/directory-source.ts";
export { type GalleyParts, galleyComponents } from "./galley.ts";
export { GALLEY_LEASE, type KubernetesPublishing, kubernetesPublishing } from "./kubernetes/kubernetes.ts";
export { createKubernetesSource, type KubernetesSourceOptions } from "./kubernetes/kubernetes-source.ts";
export { createKubernetesWorkloads, type KubernetesWorkloadsOptions } from "./kubernetes/kubernetes-workloads.ts";
export { createNamespaceFilter, type NamespaceFilter } from "./kubernetes/namespace-filter.ts";
export { createObjectStatus, KnownObjects, STATUS_MANAGER } from "./kubernetes/object-status.ts";
export { type McpServerAddress, mcpServerAddress } from "./mcp/mcp-servers.ts";
export { createMcpSource, type McpSourceOptions } from "./mcp/mcp-source.ts";
export { type MixerStore, type MixerStoreOptions, mixerStore } from "./mixer-store.ts";
export { secretDirectory } from "./secret-directory.ts";
export {
  type StandaloneKubernetes,
  type StandaloneMcp,
  standaloneKubernetes,
  standaloneMcp,
  standaloneSource,
} from "./standalone-source.ts";
