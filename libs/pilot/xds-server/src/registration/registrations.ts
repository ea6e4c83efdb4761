import { XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import { keyOf, type Resource } from "@xebec/model-resources";
import type { ConfigChange, WorkloadEntry, WorkloadGroup } from "@xebec/pilot-snapshot";
import type { MeshProxy } from "@xebec/pilot-xds-gen";
import type { RegisteredWorkload } from "../replicas/records.ts";
import { isSomebodys, registeredEntry, somebodysEntry } from "./registered-entry.ts";
import type { SharedListener, SharedRegistrations } from "./shared-registrations.ts";

const log = logger("registration");

/** How long a workload whose stream has ended stays registered: it may come back at once. */
const GRACE_MS = 10_000;
/** How long what an earlier process of this pilot has registered is waited for. */
const REJOIN_MS = 30_000;

export interface RegistrationsOptions {
  /** The WorkloadGroup of a key; undefined when there is none. */
  readonly groupOf: (key: string) => WorkloadGroup | undefined;
  /** The WorkloadEntry of a key that somebody has applied; undefined when there is none. */
  readonly entryOf: (key: string) => WorkloadEntry | undefined;
  /** Takes WorkloadEntries, their ends and their health into the mesh. */
  readonly apply: (change: ConfigChange) => Promise<void>;
  /** What other copies of pilot know; absent for a pilot that is alone. */
  readonly shared?: SharedRegistrations;
  readonly graceMs?: number;
  readonly rejoinMs?: number;
}

/** A workload that has registered itself here, or that is somebody's WorkloadEntry and whose agent reports its health here. */
interface Registration {
  /** Of somebody's object its names alone. */
  readonly entry: Resource;
  /** The key of its WorkloadGroup; empty for somebody's object. */
  readonly group: string;
  /** Its streams that are open. */
  streams: number;
  /** When the last one began, in milliseconds since 1970. */
  since: number;
  /** As its agent reports; of a group with a probe, and of somebody's object, not before the first report. */
  healthy: boolean;
  /** True when it has connected to another copy of pilot since, whose word counts. */
  isElsewhere: boolean;
  /** Ends it, when no stream is open. */
  timer?: NodeJS.Timeout;
}

/**
 * Workloads that register themselves by their node's metadata (`ISTIO_META_AUTO_REGISTER_GROUP`): each is a WorkloadEntry as long as it is
 * connected to any copy of pilot. It is nobody's object: what its stream has brought, the end of the stream takes away. Of workloads that are
 * somebody's WorkloadEntry (`ISTIO_META_WORKLOAD_ENTRY`) only the health is noted, for the same time.
 *
 * | Who has the stream | Whose word counts | When it ends |
 * |---|---|---|
 * | this copy | its own, whether the bus is there or not | 10 s after the stream, unless another copy has it by then |
 * | another copy | that of the bus | when that copy deletes it |
 * | a copy that is gone | the last one of the bus | 10 s after it was found to be gone |
 * | an earlier process of this copy | the last one of the bus | after 30 s |
 */
export class Registrations implements SharedListener {
  readonly #options: RegistrationsOptions;
  readonly #own = new Map<string, Registration>();
  /** What is part of the mesh now, by the key of its WorkloadEntry. */
  readonly #shown = new Map<string, Resource>();
  /** What nobody has a stream of, by key, and what ends it. */
  readonly #orphans = new Map<string, NodeJS.Timeout>();
  /** What was deleted here, though the bus may still have it: its key, and which word it was. */
  readonly #ended = new Map<string, string>();

  constructor(options: RegistrationsOptions) {
    this.#options = options;
  }

  /** How many workloads each group has, by its key. */
  get counts(): ReadonlyMap<string, number> {
    const groups = new Map<string, string>();
    for (const key of this.#options.shared?.known.keys() ?? []) {
      const found = this.#elsewhere(key);
      if (found) groups.set(key, found.group);
    }
    for (const [key, { group }] of this.#own) groups.set(key, group);
    const counts = new Map<string, number>();
    for (const group of groups.values()) if (group) counts.set(group, (counts.get(group) ?? 0) + 1);
    return counts;
  }

  /**
   * Registers the workload of a proxy that has connected, if it asks for it.
   * @param verified true when its certificate or token has proved who it is
   * @returns what ends its stream's part in it; undefined when it does not register
   * @throws XebecError failed_precondition without its group or object, permission_denied when it may not be that
   */
  connected(proxy: MeshProxy, verified: boolean): RegisteredStream | undefined {
    const found = this.#asked(proxy, verified);
    if (!found) return undefined;
    const { entry, group } = found;
    const key = keyOf(entry);
    const healthy = this.#elsewhere(key)?.healthy ?? found.healthy;
    const known = this.#own.get(key) ?? { ...{ entry, group, streams: 0, since: 0, healthy, isElsewhere: false } };
    this.#own.set(key, known);
    clearTimeout(known.timer);
    known.streams++;
    known.since = Date.now();
    known.isElsewhere = false;
    this.#share(key, known);
    this.#review(key);
    this.#show(key);
    if (group) log.info({ proxy: proxy.id, group, entry: entry.name }, "a workload has registered itself");
    else log.info({ proxy: proxy.id, entry: key }, "the agent of a WorkloadEntry reports its health");
    return {
      health: (healthy) => {
        if (known.healthy === healthy) return;
        known.healthy = healthy;
        // Its agent and its Envoy may be connected to different copies: the one that knows has the last word.
        known.since = Date.now();
        known.isElsewhere = false;
        this.#share(key, known);
        this.#show(key);
      },
      gone: () => {
        if (--known.streams > 0) return;
        known.timer = setTimeout(() => this.#end(key), this.#options.graceMs ?? GRACE_MS).unref();
      },
    };
  }

  changed(key: string): void {
    const { shared } = this.#options;
    const own = this.#own.get(key);
    const word = shared?.known.get(key);
    if (!word) this.#ended.delete(key);
    if (own) own.isElsewhere = word !== undefined && word.replica !== shared?.replica && word.since > own.since;
    // Another copy took it for gone, or said something older meanwhile.
    if (own && own.streams > 0 && !own.isElsewhere && word?.replica !== shared?.replica) this.#share(key, own);
    this.#review(key);
    this.#show(key);
  }

  reviewed(): void {
    for (const key of this.#options.shared?.known.keys() ?? []) this.#review(key);
  }

  /** What is known of a workload that has its stream, or had its last one, elsewhere. */
  #elsewhere(key: string): RegisteredWorkload | undefined {
    const word = this.#options.shared?.known.get(key);
    return word && this.#ended.get(key) !== wordOf(word) ? word : undefined;
  }

  /** Begins, or stops, to wait for a workload that nobody has a stream of. */
  #review(key: string): void {
    const { shared, graceMs = GRACE_MS, rejoinMs = REJOIN_MS } = this.#options;
    const word = this.#elsewhere(key);
    const isEarlier = word?.replica === shared?.replica;
    const isOrphan = word !== undefined && !this.#own.has(key) && (isEarlier || !shared?.isAlive(word.replica));
    if (!isOrphan) {
      clearTimeout(this.#orphans.get(key));
      this.#orphans.delete(key);
    } else if (!this.#orphans.has(key)) {
      const timer = setTimeout(() => this.#end(key), isEarlier ? rejoinMs : graceMs).unref();
      this.#orphans.set(key, timer);
    }
  }

  #share(key: string, { entry, group, since, healthy }: Registration): void {
    const { shared } = this.#options;
    shared?.put(key, { entry, group, since, healthy, replica: shared.replica });
  }

  /** Makes it part of the mesh while it is healthy. */
  #show(key: string): void {
    const own = this.#own.get(key);
    const { entry, healthy } = (own?.isElsewhere === false ? own : this.#elsewhere(key)) ?? {};
    const next = healthy ? entry : undefined;
    const shown = this.#shown.get(key);
    if (next === shown || (next && shown && JSON.stringify(next) === JSON.stringify(shown))) return;
    if (next) this.#shown.set(key, next);
    else this.#shown.delete(key);
    const known = next ?? shown;
    if (known && isSomebodys(known))
      this.#apply({ puts: [], deletes: [], health: new Map([[key, next !== undefined]]) });
    else this.#apply(next ? { puts: [next], deletes: [] } : { puts: [], deletes: [key] });
  }

  /** Nobody has come back. */
  #end(key: string): void {
    const { shared } = this.#options;
    const own = this.#own.get(key);
    this.#own.delete(key);
    this.#orphans.delete(key);
    const word = shared?.known.get(key);
    // One that has a stream elsewhere is that copy's.
    if (shared && word && (word.replica === shared.replica || (!own && !shared.isAlive(word.replica)))) {
      this.#ended.set(key, wordOf(word));
      shared.delete(key);
    } else if (own && !own.isElsewhere) shared?.delete(key);
    this.#show(key);
  }

  /** What a proxy asks for. As in Istio, a group goes first. */
  #asked(proxy: MeshProxy, verified: boolean): Pick<Registration, "entry" | "group" | "healthy"> | undefined {
    if (proxy.registrationGroup) {
      const group = this.#groupOf(proxy, verified);
      return { entry: registeredEntry(group, proxy), group: group.key, healthy: group.spec.probe === undefined };
    }
    if (!proxy.workloadEntry) return undefined;
    const entry = somebodysEntry(proxy);
    const known = this.#entryOf(keyOf(entry), proxy, verified);
    return known.hasHealthReports ? { entry, group: "", healthy: false } : undefined;
  }

  #entryOf(key: string, proxy: MeshProxy, verified: boolean): WorkloadEntry {
    const { namespace, workloadEntry, serviceAccount } = proxy;
    const known = this.#options.entryOf(key);
    const where = `${namespace}/${workloadEntry}`;
    if (!known)
      throw new XebecError(
        "failed_precondition",
        `there is no WorkloadEntry ${where} that the workload could be; create it, or correct ISTIO_META_WORKLOAD_ENTRY`,
      );
    if (known.hasHealthReports)
      proveAccount(`be the WorkloadEntry ${where}`, known.serviceAccount, serviceAccount, verified);
    return known;
  }

  #groupOf({ namespace, registrationGroup, serviceAccount }: MeshProxy, verified: boolean): WorkloadGroup {
    const identity = { group: "networking.istio.io", kind: "WorkloadGroup", namespace, name: registrationGroup };
    const group = this.#options.groupOf(keyOf(identity));
    const where = `${namespace}/${registrationGroup}`;
    if (!group)
      throw new XebecError(
        "failed_precondition",
        `the workload cannot register itself: there is no WorkloadGroup ${where}; create it, or correct ISTIO_META_AUTO_REGISTER_GROUP`,
      );
    const wanted = group.spec.template.serviceAccount ?? "";
    proveAccount(`register itself in ${where}`, wanted, serviceAccount, verified);
    return group;
  }

  #apply(change: ConfigChange): void {
    this.#options.apply(change).catch((error: unknown) => {
      log.error({ err: error }, "a workload that registers itself could not be taken over");
    });
  }
}

/** @throws XebecError permission_denied for a workload that has not proved who it is, or has another service account than is wanted */
function proveAccount(what: string, wanted: string, serviceAccount: string, verified: boolean): void {
  if (!verified)
    throw new XebecError(
      "permission_denied",
      `the workload cannot ${what} without a certificate or token; connect to port 15012`,
    );
  if (wanted && serviceAccount !== wanted)
    throw new XebecError(
      "permission_denied",
      `the workload cannot ${what}, which is for the service account ${wanted}, not ${serviceAccount || "(none)"}`,
    );
}

/** Tells the words of one workload apart. */
function wordOf({ replica, since }: RegisteredWorkload): string {
  return `${since} ${replica}`;
}

/** The part of a stream in the registration of its workload. */
export interface RegisteredStream {
  /** The agent has probed the workload. */
  health(healthy: boolean): void;
  gone(): void;
}
