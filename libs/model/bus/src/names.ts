/** Buckets: keyed values that can be watched. */
export const BUCKETS = {
  /** Configuration objects, in revisions; the values are resources as JSON. */
  config: "config",
  /** Conditions of configuration objects, one key per object and consumer. */
  status: "status",
  /** Services, endpoints, pods and nodes, in revisions. */
  workloads: "workloads",
  /** Certificates and keys that Kubernetes' Secrets hold for gateways, in revisions. */
  secrets: "secrets",
  /** The copies of pilot that run, and the workloads that have registered themselves at them. */
  replicas: "replicas",
  /** What natsquota has counted, one key for each counter. */
  quotas: "quotas",
  /** Root certificates, revoked serial numbers, trust domain. */
  trust: "trust",
} as const;

export type Bucket = (typeof BUCKETS)[keyof typeof BUCKETS];

export const ALL_BUCKETS: readonly Bucket[] = Object.values(BUCKETS);

/** Subjects for messages and requests. */
export const SUBJECTS = {
  /** Request that every pilot replica answers: the state of its proxies. */
  proxies: "proxies",
  /** Every copy of pilot says its name some seconds apart. */
  alive: "pilot.alive",
  /** Request that every copy of pilot answers: what its proxies say of objects, and how far it has come. */
  facts: "pilot.facts",
  /** A copy of pilot has other facts. */
  factsChanged: "pilot.facts.changed",
  /** Request for the configuration of one proxy, which the copy of pilot answers that the proxy is connected to. */
  dump: "pilot.dump",
  /** A writer says that the server takes none of its changes to a bucket, whose name is the message. */
  stalls: "bus.stalls",
  /** `adapters.NAME`: a call of an adapter that runs elsewhere, answered by one of its copies. */
  adapters: "adapters.*",
} as const;

/** Work that replicas share: each item is done by one of them, and kept by the bus until it is. */
export const WORK_QUEUE = {
  /** The stream that holds it. */
  stream: "REPORTS",
  /** An item's subject is `reports.PARTITION.KEY`. */
  prefix: "reports",
  /** Each partition has one consumer, which all replicas share. */
  partitions: 8,
} as const;
