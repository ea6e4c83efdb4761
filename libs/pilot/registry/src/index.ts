export { endpointsFromRecord, endpointsOfExternalName, serviceFromRecord } from "./from-kubernetes.ts";
export { endpointsFromEntry, servicesFromEntry } from "./from-service-entry.ts";
export { mergeDefinitions, type ServiceDefinition, unmergedParts } from "./merge.ts";
export { isVisible, type MeshEndpoint, type MeshPort, type MeshService, type Resolution } from "./service.ts";
