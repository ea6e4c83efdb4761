import { backoff, sleep } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import type { ApiClient } from "./client.ts";
import { type KubeObject, nameOf } from "./types.ts";

const log = logger("node");

export interface InformerOptions<T> {
  /** The collection, `/api/v1/pods`. */
  readonly path: string;
  /** More of the query, `fieldSelector=...`. */
  readonly query?: string;
  /** Called for each change; `before` or `after` is undefined when there was or is none. */
  readonly changed?: (before: T | undefined, after: T | undefined) => void;
}

interface List<T> {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly T[];
}

/** Keeps a copy of a collection: list, watch, list again when the watch cannot go on. */
export class Informer<T extends KubeObject> {
  /** By `NAMESPACE/NAME`, or the name alone. */
  readonly objects = new Map<string, T>();
  readonly #api: ApiClient;
  readonly #options: InformerOptions<T>;
  readonly #stop = new AbortController();
  #synced!: () => void;
  /** Resolves after the first list. */
  readonly synced = new Promise<void>((resolve) => {
    this.#synced = resolve;
  });

  constructor(api: ApiClient, options: InformerOptions<T>) {
    this.#api = api;
    this.#options = options;
  }

  start(): this {
    void this.#run();
    return this;
  }

  stop(): void {
    this.#stop.abort();
  }

  get(namespace: string | undefined, name: string): T | undefined {
    return this.objects.get(namespace === undefined ? name : `${namespace}/${name}`);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    let version: string | undefined;
    for (let attempt = 0; !signal.aborted; ) {
      const since = performance.now();
      try {
        version ??= await this.#list();
        for await (const { type, object } of this.#api.watch(
          this.#url(`watch=1&allowWatchBookmarks=true&resourceVersion=${version}`),
          signal,
        )) {
          version = object.metadata.resourceVersion;
          if (type === "DELETED") this.#set(nameOf(object as T), undefined);
          else if (type !== "BOOKMARK") this.#set(nameOf(object as T), object as T);
        }
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof XebecError && error.code === "out_of_range") version = undefined;
        log.debug({ path: this.#options.path, err: error }, "the watch is taken up again");
      }
      attempt = performance.now() - since > 5_000 ? 0 : attempt + 1;
      await sleep(backoff(attempt, { baseMs: 20, maxMs: 2_000 }), signal);
    }
  }

  async #list(): Promise<string> {
    const found = new Map<string, T>();
    let next: string | undefined = "";
    let version = "";
    while (next !== undefined) {
      const page: List<T> = await this.#api.get(
        this.#url(`limit=500${next && `&continue=${encodeURIComponent(next)}`}`),
      );
      for (const each of page.items) found.set(nameOf(each), each);
      version = page.metadata.resourceVersion;
      next = page.metadata.continue || undefined;
    }
    for (const name of [...this.objects.keys()]) if (!found.has(name)) this.#set(name, undefined);
    for (const [name, object] of found) this.#set(name, object);
    this.#synced();
    return version;
  }

  #set(name: string, after: T | undefined): void {
    const before = this.objects.get(name);
    if (before === undefined && after === undefined) return;
    if (before?.metadata.resourceVersion === after?.metadata.resourceVersion) return;
    if (after) this.objects.set(name, after);
    else this.objects.delete(name);
    try {
      this.#options.changed?.(before, after);
    } catch (error) {
      log.error({ err: error, object: name }, "a change could not be followed");
    }
  }

  #url(query: string): string {
    const { path, query: more } = this.#options;
    return `${path}?${more ? `${more}&` : ""}${query}`;
  }
}
