/** Buckets: keyed values that can be watched. */
export const BUCKETS = {
  /** Configuration objects, in revisions; the values are resources as JSON. */
  config: "config",
  /** Conditions of configuration objects, one key per object and consumer. */
  status: "status",
  /** Services, endpoints, pods and nodes, in revisions. */
  workloads: "workloads",
  /** Root certificates, revoked serial numbers, trust domain. */
  trust: "trust",
  /** Quotas that replicas share. */
  quota: "quota",
} as const;

export type Bucket = (typeof BUCKETS)[keyof typeof BUCKETS];

export const ALL_BUCKETS: readonly Bucket[] = Object.values(BUCKETS);

/** Subjects for messages and requests. */
export const SUBJECTS = {
  /** Request that every pilot replica answers: the state of its proxies. */
  proxies: "proxies",
  /** A writer says that the server takes none of its changes to a bucket, whose name is the message. */
  stalls: "bus.stalls",
  /** Rolled-up edges of traffic. */
  flows: "telemetry.flows",
  /** Sampled access logs, sent only while somebody listens. */
  logs: "telemetry.logs",
} as const;

/** Work queues: every item is done by one worker, at least once. */
export const WORK_QUEUES = {
  /** Batches of reports for slow or remote sinks. */
  reports: "REPORTS",
} as const;

export const ALL_WORK_QUEUES: readonly string[] = Object.values(WORK_QUEUES);
