export { type AddressPlan, addressPlan, SERVICES, type ServiceName } from "./address-plan.ts";
export type { Diagnostic } from "./cluster-objects.ts";
export { appEntry, NODE_ENVIRONMENT, NODE_FLAGS, SERVICE_NODE_FLAGS } from "./images.ts";
export { localHashes } from "./local-hashes.ts";
export type { MeshStatus, ProcessStatus } from "./mesh-status.ts";
export { type Manifests, parseManifests } from "./parse-manifests.ts";
export { type PlannedPod, plannedPods, plannedRecords } from "./planned-pods.ts";
export { chooseContainer, findPod, podIn } from "./pod-lookup.ts";
export type { IssueToken } from "./pod-tokens.ts";
export { type Component, parseReplicas, REPLICABLE, type ReplicaCounts, replicaOf, replicasOf } from "./replicas.ts";
export {
  type BusService,
  CITADEL_PORT,
  citadelDir,
  injectorValuesFile,
  MONITORING_PORT,
  NATS_PORT,
  replicaStateDir,
  rootFile,
  SERVICE_ACCOUNTS,
  type ServiceHost,
  type ServiceOptions,
  tokenFile,
} from "./services.ts";
export type { PublishedConfig } from "./status-reader.ts";
export { Supervisor, type SupervisorOptions } from "./supervisor.ts";
