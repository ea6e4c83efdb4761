export { type AddressPlan, addressPlan, SERVICES, type ServiceName } from "./address-plan.ts";
export type { ManifestProblem } from "./cluster-objects.ts";
export { appEntry, NODE_FLAGS, SERVICE_NODE_FLAGS } from "./images.ts";
export type { MeshStatus, UnitStatus } from "./mesh-status.ts";
export { type LocalFault, type Manifests, parseManifests } from "./parse-manifests.ts";
export type { MintToken } from "./pod-volumes.ts";
export { meaningMark, type PublishedConfig } from "./published-config.ts";
export { citadelDir, MONITORING_PORT, NATS_PORT, rootFile, SERVICE_ACCOUNTS, tokenFile } from "./services.ts";
export { Supervisor, type SupervisorOptions } from "./supervisor.ts";
