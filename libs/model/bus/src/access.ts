import { ALL_BUCKETS, type Bucket, SUBJECTS, WORK_QUEUES } from "./names.ts";

/** Everyone who may connect to the bus. */
export const BUS_USERS = [
  "galley",
  "pilot",
  "citadel",
  "mixer-policy",
  "mixer-telemetry",
  "supervisor",
  "adapter",
  "console",
  "cli",
] as const;

export type BusUser = (typeof BUS_USERS)[number];

/** What one user may do. Whoever may write a bucket may read it too. */
export interface BusAccess {
  readonly write: readonly Bucket[];
  readonly read: readonly Bucket[];
  /** Subjects on which it sends messages and requests; `*` and `>` as in NATS. */
  readonly send: readonly string[];
  /** Subjects that it listens to, also to answer requests. */
  readonly receive: readonly string[];
  /** Work queues to which it adds. */
  readonly add: readonly string[];
  /** Work queues from which it takes. */
  readonly take: readonly string[];
  /** Makes the buckets and queues that do not exist, also after the server lost its store. */
  readonly provision?: boolean;
}

const NONE: BusAccess = { write: [], read: [], send: [], receive: [], add: [], take: [] };
/** Whoever writes a bucket may say that the server does not take it. */
const writer: BusAccess = { ...NONE, send: [SUBJECTS.stalls] };
const consumer: BusAccess = { ...writer, write: ["status"], read: ["config", "trust"] };
const ADAPTERS = "adapter.>";

/**
 * Who may do what on the bus (design, "The bus"). Least privilege: only citadel writes `trust`, since whoever writes it owns
 * the mesh; only galley writes `config`; `workloads` is written by galley, where the registries run, and by the supervisor,
 * where the local runner runs.
 */
export const ACCESS: Readonly<Record<BusUser, BusAccess>> = {
  galley: { ...writer, write: ["config", "workloads", "status"], read: ["trust"] },
  pilot: { ...consumer, read: ["config", "workloads", "trust"], receive: [SUBJECTS.proxies] },
  citadel: { ...consumer, write: ["trust", "status"], read: ["config", "workloads"], provision: true },
  "mixer-policy": {
    ...consumer,
    write: ["status", "quota"],
    read: ["config", "workloads", "trust"],
    send: [...writer.send, ADAPTERS],
  },
  "mixer-telemetry": {
    ...consumer,
    read: ["config", "workloads", "trust"],
    send: [...writer.send, ADAPTERS, SUBJECTS.flows, SUBJECTS.logs],
    add: [WORK_QUEUES.reports],
    take: [WORK_QUEUES.reports],
  },
  // It answers the command line on its socket, so it may ask what the command line may.
  supervisor: {
    ...NONE,
    write: ["workloads"],
    read: ["config", "status", "trust"],
    send: [...writer.send, SUBJECTS.proxies],
    // It looks after the server of a laptop.
    receive: [SUBJECTS.stalls],
    provision: true,
  },
  adapter: { ...NONE, receive: [ADAPTERS], take: [WORK_QUEUES.reports] },
  console: {
    ...NONE,
    read: ["config", "status", "workloads", "trust"],
    send: [SUBJECTS.proxies],
    receive: [SUBJECTS.flows, SUBJECTS.logs],
  },
  cli: {
    ...NONE,
    read: ["config", "status", "workloads", "trust"],
    send: [SUBJECTS.proxies],
    receive: [SUBJECTS.flows, SUBJECTS.logs],
  },
};

/** Buckets whose every entry is signed by its writer; readers refuse entries of others. */
export const SIGNED_BUCKETS: readonly Bucket[] = ["trust"];

/**
 * Who publishes revisions in a bucket, by name. Readers ignore all others: the rights of the server do not reach as far as keys,
 * and a source that nobody ever completes would keep every new reader waiting.
 */
export const SOURCES: Readonly<Partial<Record<Bucket, readonly string[]>>> = {
  config: ["galley"],
  workloads: ["local"],
  trust: ["citadel"],
};

/** Says whether a source may publish in a bucket; in a bucket that is not listed every source may. */
export function isSourceOf(bucket: string, source: string): boolean {
  return SOURCES[bucket as Bucket]?.includes(source) ?? true;
}

/** The users that may write a bucket. */
export function writersOf(bucket: Bucket): readonly BusUser[] {
  return BUS_USERS.filter((user) => ACCESS[user].write.includes(bucket));
}

/** The buckets that a user may read, those that it writes included. */
export function readableBy(user: BusUser): readonly Bucket[] {
  const { read, write } = ACCESS[user];
  return ALL_BUCKETS.filter((bucket) => read.includes(bucket) || write.includes(bucket));
}
