export { endpointsFromRecord, endpointsOfExternalName, serviceFromRecord } from "./from-kubernetes.ts";
export { endpointsFromEntry, servicesFromEntry } from "./from-service-entry.ts";
export { isVisible, type MeshEndpoint, type MeshPort, type MeshService, type Resolution } from "./service.ts";
