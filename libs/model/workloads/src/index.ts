export {
  decodeWorkloadRecord,
  type EndpointAddress,
  type EndpointsRecord,
  encodeWorkloadRecord,
  type NodeRecord,
  type PodRecord,
  type ServicePort,
  type ServiceRecord,
  type WorkloadKind,
  type WorkloadRecord,
  type WorkloadRecords,
  workloadKey,
} from "./records.ts";
