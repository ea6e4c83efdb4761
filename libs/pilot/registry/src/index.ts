export { type ConsulInstance, ConsulRegistry, type ConsulSource } from "./consul-registry.ts";
export { KubernetesRegistry } from "./kubernetes-registry.ts";
export { mergeDefinitions, unmergedParts } from "./merge.ts";
export { namedPort } from "./named-port.ts";
export type { RecordChange, RecordSource } from "./record-source.ts";
export {
  hostAndNamespace,
  isVisible,
  type MeshEndpoint,
  type MeshPort,
  type MeshService,
  type Resolution,
  type ServiceDefinition,
} from "./service.ts";
export { ServiceEntryRegistry } from "./service-entry-registry.ts";
export {
  type ConfigRegistry,
  isConfigRegistry,
  type RegistryChange,
  type RegistryListener,
  type RegistryState,
  type ServiceRegistry,
} from "./service-registry.ts";
export type { VirtualAddress } from "./virtual-addresses.ts";
export { hasHealthReports, isHealthChecked } from "./workload-health.ts";
