import { backoff, sleep } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import type { KubeClient } from "./client.ts";
import { isExpired, isFromTheFuture, isNotFound, kubeErrorOf } from "./kube-error.ts";
import { listObjects, type Selection } from "./list.ts";
import { type KubeObject, objectKey, type ResourceType } from "./resource-type.ts";
import { type WatchEvent, watchObjects } from "./watch.ts";

const log = logger("kube");
/** How long a server may ask to wait, at the most. */
const MOST_ASKED_MS = 3_000;

/** What changed at once. */
export interface ReflectorChange<T> {
  /** By `objectKey`. */
  readonly puts: ReadonlyMap<string, T>;
  readonly deletes: ReadonlySet<string>;
}

/** When a reflector does what, in milliseconds. */
export interface ReflectorTimes {
  /** First and longest pause after an error. */
  readonly retry: { readonly baseMs: number; readonly maxMs: number };
  /** A watch is ended by the server after this, and up to as much again. */
  readonly watchMs: number;
  /** A watch that says nothing for so long is given up: servers send a bookmark every minute. */
  readonly silenceMs: number;
  /** A type that the server does not know any more for so long has no objects. */
  readonly goneMs: number;
}

export const REFLECTOR_TIMES: ReflectorTimes = {
  // Long enough for a server that starts, short enough to be back within seconds after an outage.
  retry: { baseMs: 200, maxMs: 3_000 },
  ...{ watchMs: 5 * 60_000, silenceMs: 3 * 60_000, goneMs: 60_000 },
};

export interface ReflectorOptions<T> extends Selection {
  readonly client: KubeClient;
  readonly type: ResourceType;
  /**
   * Takes of an object what is needed; nothing else is kept.
   * @returns undefined for an object that nobody needs: it counts as absent
   */
  project(object: KubeObject): T | undefined;
  /** Called with the whole state after the first list, also when that is empty, then with each change. */
  changed(change: ReflectorChange<T>): void;
  /** Objects of one page of a list (500). */
  readonly pageSize?: number;
  readonly times?: Partial<ReflectorTimes>;
}

/** Follows the objects of a type. */
export interface Reflector extends Component {
  /** Everything was listed once. */
  readonly synced: boolean;
  /** The server does not know the type now. */
  readonly isAbsent: boolean;
  /** How many objects it holds. */
  readonly size: number;
  missing(): readonly string[];
}

/**
 * Keeps up with the objects of a type, as client-go's reflector: lists them, then watches from the version of the list.
 *
 * | State | Meaning | Leaves it |
 * |---|---|---|
 * | listing | page by page; nothing is reported before the last page | the list is whole: what differs is reported at once |
 * | watching | changes are reported as they come; bookmarks say how far the server is | the server ends it, it is lost, or it is silent |
 * | resuming | watches again from the last version, after a pause if there was an error | a watch; or 410: the list, again |
 * | absent | the server does not know the type (its CRD is not installed) | it does; objects are withdrawn when it stays so for `goneMs` |
 *
 * What it has reported stays when the server is lost: what cannot be seen is not deleted.
 */
export function createReflector<T>(options: ReflectorOptions<T>): Reflector {
  return new ObjectReflector(options);
}

class ObjectReflector<T> implements Reflector {
  readonly name: string;
  readonly #options: ReflectorOptions<T>;
  readonly #times: ReflectorTimes;
  /** The version of each object that was reported, by key; empty for one that nobody needs. */
  #versions = new Map<string, string>();
  #synced = false;
  #stop = new AbortController();
  #running: Promise<void> | undefined;
  /** To watch from; undefined: a list is due. */
  #version: string | undefined;
  #failures = 0;
  #problem: string | undefined;
  #absentSince: number | undefined;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#times = { ...REFLECTOR_TIMES, ...options.times };
    const { plural, group } = options.type;
    this.name = group ? `${plural}.${group}` : plural;
  }

  get synced(): boolean {
    return this.#synced;
  }

  get isAbsent(): boolean {
    return this.#absentSince !== undefined;
  }

  get size(): number {
    return this.#versions.size;
  }

  missing(): readonly string[] {
    if (this.#synced) return [];
    return [`${this.name} are not listed yet${this.#problem ? `: ${this.#problem}` : ""}`];
  }

  async start(signal: AbortSignal): Promise<void> {
    this.#stop = new AbortController();
    this.#running = this.#run(AbortSignal.any([signal, this.#stop.signal]));
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        if (this.#version === undefined) await this.#list(signal);
        else await this.#watch(this.#version, signal);
        this.#problem = undefined;
      } catch (error) {
        if (signal.aborted) return;
        this.#failed(error);
        const { retry } = this.#times;
        // A server that comes back from an outage asks for up to 32 s, since everybody comes at once; whoever waits that long serves what is old.
        const asked = Math.min(kubeErrorOf(error)?.retryAfterMs ?? 0, MOST_ASKED_MS);
        await sleep(Math.max(backoff(this.#failures++, retry), asked * (1 + Math.random() / 4)), signal);
      }
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { client, type, namespace, labelSelector, fieldSelector, pageSize } = this.#options;
    const versions = new Map<string, string>();
    const puts = new Map<string, T>();
    const deletes = new Set<string>();
    const selection = { namespace, labelSelector, fieldSelector, ...(pageSize ? { pageSize } : {}), signal };
    const version = await listObjects(client, type, selection, (object) => {
      const key = objectKey(object);
      const { resourceVersion = "" } = object.metadata;
      versions.set(key, resourceVersion);
      if (this.#versions.get(key) !== resourceVersion) this.#take(key, object, puts, deletes);
    });
    for (const key of this.#versions.keys()) if (!versions.has(key)) deletes.add(key);
    // A key that is new and needed by nobody was never reported.
    for (const key of deletes) if (!this.#versions.has(key)) deletes.delete(key);
    this.#versions = versions;
    this.#version = version;
    this.#failures = 0;
    if (this.#absentSince !== undefined) log.info({ type: this.name }, "the server knows the type now");
    this.#absentSince = undefined;
    const isFirst = !this.#synced;
    this.#synced = true;
    if (isFirst || puts.size > 0 || deletes.size > 0) this.#options.changed({ puts, deletes });
  }

  async #watch(from: string, signal: AbortSignal): Promise<void> {
    const { client, type, namespace, labelSelector, fieldSelector } = this.#options;
    const { watchMs, silenceMs } = this.#times;
    const began = performance.now();
    let heard = false;
    await watchObjects(
      client,
      type,
      {
        ...{ namespace, labelSelector, fieldSelector, resourceVersion: from, silenceMs, signal },
        timeoutSeconds: Math.ceil((watchMs * (1 + Math.random())) / 1_000),
      },
      (events) => {
        heard = true;
        this.#failures = 0;
        this.#problem = undefined;
        this.#events(events);
      },
    );
    // A server that ends every watch at once would be asked without a pause.
    if (!heard && performance.now() - began < 1_000) await sleep(backoff(this.#failures++, this.#times.retry), signal);
    else this.#failures = 0;
  }

  #events(events: readonly WatchEvent[]): void {
    const puts = new Map<string, T>();
    const deletes = new Set<string>();
    for (const { type, object } of events) {
      const { resourceVersion } = object.metadata;
      if (type !== "BOOKMARK") {
        const key = objectKey(object);
        if (type === "DELETED") {
          if (this.#versions.delete(key)) deletes.add(key);
          puts.delete(key);
        } else {
          this.#versions.set(key, resourceVersion ?? "");
          this.#take(key, object, puts, deletes);
        }
      }
      if (resourceVersion) this.#version = resourceVersion;
    }
    if (puts.size > 0 || deletes.size > 0) this.#options.changed({ puts, deletes });
  }

  #take(key: string, object: KubeObject, puts: Map<string, T>, deletes: Set<string>): void {
    try {
      const value = this.#options.project(object);
      if (value === undefined) {
        puts.delete(key);
        deletes.add(key);
        return;
      }
      puts.set(key, value);
      deletes.delete(key);
    } catch (error) {
      log.error({ err: error, type: this.name, object: key }, "it cannot be read and keeps its last good form");
    }
  }

  #failed(error: unknown): void {
    // From the last version, unless that cannot be had.
    if (isExpired(error) || isFromTheFuture(error)) {
      log.info({ type: this.name }, "the version to watch from is not known to the server; listing again");
      this.#version = undefined;
      // The list comes at once: the server answered, and is well.
      this.#failures = 0;
    }
    if (isNotFound(error)) {
      this.#version = undefined;
      this.#absent();
      return;
    }
    const { code, message } = XebecError.from(error);
    // A server that asks to come later, as each does while a CRD is new, is well; one that is lost is the client's to report, once.
    const isSaid = code === "resource_exhausted" || isExpired(error) || (code === "unavailable" && !kubeErrorOf(error));
    if (message !== this.#problem && !isSaid) log.warn({ err: error, type: this.name }, message);
    this.#problem = message;
  }

  /** The server does not know the type: that is so while it starts, too, and before its CRD is installed. */
  #absent(): void {
    const now = performance.now();
    if (this.#absentSince === undefined) {
      log.info({ type: this.name }, "the server does not know the type; waiting for its CRD");
      this.#absentSince = now;
    }
    this.#problem = "the server does not know the type; install its CRD";
    if (this.#versions.size === 0 || now - this.#absentSince < this.#times.goneMs) return;
    log.warn({ type: this.name, objects: this.#versions.size }, "the type is gone for long; its objects are withdrawn");
    const deletes = new Set(this.#versions.keys());
    this.#versions.clear();
    this.#options.changed({ puts: new Map(), deletes });
  }
}
