import type { Deliver } from "./delivery.ts";

/** Time as adapters see it; a test gives its own. */
export interface Clock {
  /** Milliseconds since 1970 UTC. */
  now(): number;
  /** Calls `work` every `ms` milliseconds until the returned function is called. Does not keep the process alive. */
  every(ms: number, work: () => void): () => void;
}

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  every(ms, work) {
    const timer = setInterval(work, ms);
    timer.unref();
    return () => clearInterval(timer);
  },
};

/** What handlers may reach outside of their process. Operators decide, by `--handlerNetworks` and `--handlerDirs`. */
export interface HandlerLimits {
  /** @param address an IP address @returns why it may not be called, a clause; undefined when it may */
  addressRefusal(address: string): string | undefined;
  /** @param path an absolute path @returns why the file may not be written, a clause; undefined when it may */
  fileRefusal(path: string): string | undefined;
  /** Directories below which handlers may write files. */
  readonly directories: readonly string[];
}

/** A page that an adapter serves on one of its ports. */
export interface Page {
  readonly contentType: string;
  text(): string;
}

/** An entry of a table. */
export interface SharedEntry {
  readonly value: Uint8Array;
  /** Grows with every write; above 0. */
  readonly revision: number;
}

/** A table on the bus that all replicas of the service share. */
export interface SharedTable {
  /** @returns undefined when there is none @throws XebecError unavailable when the bus is down or does not answer */
  get(key: string): Promise<SharedEntry | undefined>;
  /**
   * Writes an entry unless somebody else did meanwhile.
   * @param revision of the entry as it was read; 0: there was none
   * @param ttlMs how long it is kept
   * @returns its new revision; undefined when somebody else was faster
   * @throws XebecError unavailable when the bus is down or does not answer
   */
  put(key: string, value: Uint8Array, revision: number, ttlMs: number): Promise<number | undefined>;
}

/** A pod as the registries know it. */
export interface Workload {
  readonly uid: string;
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly serviceAccount: string;
  /** IP addresses; empty when they are not known. */
  readonly ip: string;
  readonly hostIp: string;
  readonly workloadUid: string;
  readonly workloadName: string;
  readonly owner: string;
  readonly containers: readonly { readonly name: string; readonly ports: readonly number[] }[];
}

/** The pods of the mesh. */
export interface Workloads {
  byIp(ip: string): Workload | undefined;
  /** @param uid `kubernetes://POD.NAMESPACE` */
  byUid(uid: string): Workload | undefined;
}

/** Numbers of an adapter that outlast a killed process, such as the values of a counter. */
export interface KeptSlot {
  /** Says that the numbers have changed. They are written before the report that changed them is acknowledged. */
  changed(): void;
  /** Forgets the numbers. */
  forget(): void;
}

/** Slots that are found again together. */
export interface KeptGroup {
  /** The keys of all slots with their numbers, as they are now or were when the process was killed. */
  entries(): Iterable<readonly [key: string, numbers: readonly number[]]>;
  /** @param key of the slot within its group @param read gives the numbers of now */
  slot(key: string, read: () => readonly number[]): KeptSlot;
  /** Nobody changes the group any more. It is kept for some time, in case that it is asked for again. */
  release(): void;
}

/** What adapters may use of the process that runs them. */
export interface AdapterHost {
  readonly limits: HandlerLimits;
  /** A table that all replicas share. @param name of a bucket of the bus that the service may write */
  shared(name: string): SharedTable;
  readonly workloads: Workloads;
  /**
   * Serves a page on a port that the adapter declares. Pages of one path are joined.
   * @param port a key of the adapter's `ports`
   * @param path begins with a slash
   * @returns takes the page away
   */
  serve(port: string, path: string, page: Page): () => void;
  /** The way to remote sinks: batches, retries, a queue that outlasts the process where there is a bus, and counters. */
  readonly deliver: Deliver;
  /** The group of a name that is the adapter's own among all. Absent where the process keeps nothing. */
  kept?(group: string): KeptGroup;
}

/** Limits by which handlers reach nothing. */
export const NO_REACH: HandlerLimits = {
  addressRefusal: (address) => `${address} is not open to handlers`,
  fileRefusal: () => "no directory is open to files of handlers",
  directories: [],
};

/** No pods. */
export const NO_WORKLOADS: Workloads = { byIp: () => undefined, byUid: () => undefined };

/** No tables: for a process without bus. */
export function NO_SHARED_TABLES(name: string): SharedTable {
  const refuse = async (): Promise<never> => {
    throw new Error(`the table ${name} is not there: this process has no bus`);
  };
  return { get: refuse, put: refuse };
}

/** A port on which an adapter serves pages over HTTP. `--adapterPort ADAPTER/PORT=ADDRESS` moves it. */
export interface PortSpec {
  readonly description: string;
  readonly port: number;
}

/** A metric of an adapter about itself, on the service's monitoring port as `mixer_adapter_NAME`, with the labels `adapter` and `handler`. */
export interface MetricSpec {
  readonly type: "counter" | "gauge";
  readonly help: string;
}

/** The metrics that an adapter declares, of one handler. */
export interface AdapterMetrics {
  /** @throws TypeError for a counter that is not declared */
  add(name: string, by?: number): void;
  /** @throws TypeError for a gauge that is not declared */
  set(name: string, value: number): void;
}

/** How a handler is: `degraded` works, but not as it should; `failing` does not. */
export type HealthState = "ready" | "degraded" | "failing";

/** Secrets of a handler: files below the directories that `--handlerSecretDirs` names, read again when they change. */
export interface Secrets {
  /**
   * The secret's text as it is now, without a line break at its end.
   * @param path the value of a field that was made by `secretFile`
   * @throws Error when it cannot be read or may not be
   */
  read(path: string): string;
}

/** What becomes of a request when a handler fails or is late, and when it is given up for some time. */
export interface FailurePolicy {
  /** Whether requests may go on without the handler's answer (false). For checks and quotas. */
  readonly open?: boolean;
  /** A call that takes longer has failed: a duration (`10s`; for in-process handlers that block it does not help: see `worker`). */
  readonly timeout?: string;
  readonly breaker?: {
    /** So many failures in a row open it (5). */
    readonly failures?: number;
    /** While it is open, calls fail at once; after this time one is let through (`10s`). */
    readonly openFor?: string;
  };
}

/** The limits of a thread that runs one handler (`connection: {address: "worker://"}`). */
export interface WorkerSpec {
  /** True: its handlers run in workers without saying so, because their calls block. */
  readonly always?: boolean;
  /** Most memory of the heap, and of buffers outside of it, in MB (128). One that needs more is ended. */
  readonly memoryMb?: number;
  /** A thread that is blocked for so long is ended: a duration (`5s`). */
  readonly unresponsiveAfter?: string;
}

/** A host with what is given, and with nothing else to reach: for tests, and where adapters are only listed. */
export function adapterHost(given: Partial<AdapterHost> = {}): AdapterHost {
  return {
    limits: NO_REACH,
    serve: () => () => undefined,
    deliver() {
      throw new Error("this process delivers nothing");
    },
    shared: NO_SHARED_TABLES,
    workloads: NO_WORKLOADS,
    ...given,
  };
}
