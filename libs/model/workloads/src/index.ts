export {
  decodeWorkloadRecord,
  type EndpointAddress,
  type EndpointsRecord,
  encodeWorkloadRecord,
  type NodeRecord,
  type PodRecord,
  type ServicePort,
  type ServiceRecord,
  type WorkloadRecord,
  workloadKey,
} from "./records.ts";
