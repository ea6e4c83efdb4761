import { ALL_BUCKETS, type Bucket, SUBJECTS } from "./names.ts";

/** Everyone who may connect to the bus. */
export const BUS_USERS = [
  "galley",
  "pilot",
  "citadel",
  "sidecar-injector",
  "mixer-policy",
  "mixer-telemetry",
  "supervisor",
  "adapter",
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
  /** Creates the buckets that do not exist, also after the server lost its store. */
  readonly provision?: boolean;
  /** Adds to the work queue and takes from it. */
  readonly work?: boolean;
}

const NONE: BusAccess = { write: [], read: [], send: [], receive: [] };
/** Whoever writes a bucket may say that the server does not take it. */
const writer: BusAccess = { ...NONE, send: [SUBJECTS.stalls] };
const controller: BusAccess = { ...writer, write: ["status"], read: ["config", "workloads", "trust"] };

/** What copies of pilot say to each other, and ask. */
const AMONG_PILOTS = [SUBJECTS.proxies, SUBJECTS.alive, SUBJECTS.facts, SUBJECTS.factsChanged, SUBJECTS.dump];

/**
 * Who may do what on the bus. Least privilege: only citadel writes `trust`, since whoever writes it owns the mesh; only galley
 * writes `config`; only the supervisor, whose pods and manifests they are, writes `workloads` and `secrets`, and galley, which takes them
 * from an API server. Only pilot reads `secrets`.
 */
export const ACCESS: Readonly<Record<BusUser, BusAccess>> = {
  // Where there is no citadel it creates the buckets.
  galley: { ...writer, write: ["config", "status", "workloads", "secrets"], provision: true },
  pilot: {
    ...controller,
    write: [...controller.write, "replicas"],
    read: [...controller.read, "secrets", "replicas"],
    send: [...controller.send, ...AMONG_PILOTS],
    receive: AMONG_PILOTS,
  },
  citadel: { ...writer, write: ["trust"], provision: true },
  // What it makes of the configuration stands in the pods.
  "sidecar-injector": { ...NONE, read: ["config"] },
  "mixer-policy": {
    ...controller,
    write: [...controller.write, "quotas"],
    send: [...controller.send, SUBJECTS.adapters],
  },
  // What remote sinks get waits in the work queue.
  "mixer-telemetry": { ...controller, work: true, send: [...controller.send, SUBJECTS.adapters] },
  // All adapters outside of the services. They answer calls, and see nothing else: no bucket, and none of who asks.
  adapter: { ...NONE, receive: [SUBJECTS.adapters] },
  // It answers the command line on its socket, so it reads what the command line shows.
  supervisor: {
    ...NONE,
    write: ["workloads", "secrets"],
    read: ["status"],
    send: [...writer.send, SUBJECTS.proxies],
    // It looks after the server of a laptop.
    receive: [SUBJECTS.stalls],
    provision: true,
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
  workloads: ["local", "kubernetes"],
  secrets: ["local", "directory", "kubernetes"],
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
