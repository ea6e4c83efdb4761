export { type AddressPlan, addressPlan, SERVICES, type ServiceName } from "./address-plan.ts";
export type { ManifestProblem } from "./cluster-objects.ts";
export { appEntry, NODE_FLAGS, SERVICE_NODE_FLAGS } from "./images.ts";
export { type LocalFault, type Manifests, parseManifests } from "./parse-manifests.ts";
export type { MintToken } from "./pod-volumes.ts";
export { isRunning, type ProcessId, processesMarked, processOf, signalProcess } from "./process-table.ts";
export { httpReady, tcpReady } from "./readiness.ts";
export { citadelDir, MONITORING_PORT, NATS_PORT, rootFile, SERVICE_ACCOUNTS, tokenFile } from "./services.ts";
export { type MeshStatus, Supervisor, type SupervisorOptions, type UnitStatus } from "./supervisor.ts";
