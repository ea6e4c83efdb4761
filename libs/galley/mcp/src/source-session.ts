import type { RequestResources } from "@xebec/api-mesh/istio/mcp/v1alpha1/mcp";
import { Turns } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import type { CollectionStore } from "./collection-store.ts";
import { collectionNamed } from "./collections.ts";
import type { EncodedObject } from "./object.ts";
import { resourcesMessage } from "./resources-message.ts";

/** Objects of an incremental message: more come with the next one, after the answer. In bytes. */
const CHUNK_BYTES = 1 << 20;

interface Pending {
  readonly nonce: string;
  readonly version: string;
  readonly incremental: boolean;
  readonly objects: readonly EncodedObject[];
  readonly removed: readonly string[];
}

interface Watch {
  /** Versions of the objects that the sink has, by name. */
  has: Map<string, string>;
  /** The version of the collection that was sent last, whatever the sink said of it; undefined before. */
  sent: string | undefined;
  /** The sink has not got all of it yet. */
  isPartial: boolean;
  pending: Pending | undefined;
  /** The last request said that it takes changes only. */
  incremental: boolean;
}

export interface SourceSessionOptions {
  readonly store: CollectionStore;
  /** Sends an encoded message Resources. */
  send(bytes: Uint8Array): void;
  /** The sink refuses what it was sent; it gets it again only with another version. */
  refused?(refusal: {
    readonly collection: string;
    readonly version: string;
    readonly code: number;
    readonly message: string;
  }): void;
  /** What cannot be sent breaks the stream. */
  failed(error: unknown): void;
}

/**
 * The source's side of one stream (docs/reference/platform.md §3.4). Of each collection that the sink asks for one message at a time is
 * under way; the next one has what came meanwhile.
 *
 * | State of a collection | Meaning | Leaves it |
 * |---|---|---|
 * | unasked | the sink has not asked for it | a request |
 * | sent | a message waits for its answer | a request with its nonce, or without one |
 * | open | the sink has, or has refused, the version that there is | the collection gets another version |
 */
export class SourceSession {
  readonly #options: SourceSessionOptions;
  readonly #watches = new Map<string, Watch>();
  readonly #due = new Set<string>();
  #nonce = 0;
  #isSending = false;
  #isClosed = false;

  constructor(options: SourceSessionOptions) {
    this.#options = options;
  }

  /** Takes a request. @throws XebecError invalid_argument for a collection that there is not, which ends the stream */
  request(request: RequestResources): void {
    const { collection, responseNonce: nonce, errorDetail: error, incremental } = request;
    if (!collectionNamed(collection))
      throw new XebecError("invalid_argument", `unsupported collection "${collection}"`);
    let watch = this.#watches.get(collection);
    if (!watch) {
      const has = incremental ? new Map(Object.entries(request.initialResourceVersions)) : new Map<string, string>();
      watch = { has, sent: undefined, isPartial: false, pending: undefined, incremental };
      this.#watches.set(collection, watch);
    }
    const { pending } = watch;
    // The answer to an older message: the newer one has its own.
    if (nonce !== "" && nonce !== pending?.nonce) return;
    watch.pending = undefined;
    watch.incremental = incremental;
    if (pending && error) {
      watch.isPartial = false;
      const { code, message } = error;
      this.#options.refused?.({ collection, version: pending.version, code, message });
    } else if (pending) taken(watch, pending);
    this.#push(collection);
  }

  /** These collections have other versions. */
  changed(collections: ReadonlySet<string>): void {
    for (const collection of collections) if (this.#watches.has(collection)) this.#push(collection);
  }

  /** Everything that was asked for is looked at. */
  started(): void {
    this.changed(new Set(this.#watches.keys()));
  }

  close(): void {
    this.#isClosed = true;
    this.#due.clear();
  }

  #push(collection: string): void {
    this.#due.add(collection);
    if (this.#isSending) return;
    this.#isSending = true;
    void this.#sendAll();
  }

  async #sendAll(): Promise<void> {
    const turns = new Turns();
    try {
      for (const collection of this.#due) {
        this.#due.delete(collection);
        await this.#send(collection, turns);
      }
    } catch (error) {
      this.#options.failed(error);
    } finally {
      this.#isSending = false;
    }
    if (this.#due.size > 0 && !this.#isClosed) this.#push([...this.#due][0] as string);
  }

  async #send(collection: string, turns: Turns): Promise<void> {
    const watch = this.#watches.get(collection);
    const { store } = this.#options;
    const version = store.version(collection);
    if (!store.isWhole || !watch || watch.pending || (watch.sent === version && !watch.isPartial)) return;
    const all: EncodedObject[] = [];
    for (const each of store.objects(collection)) {
      all.push(each);
      await turns.next();
    }
    if (this.#isClosed || watch.pending) return;
    const { incremental, sent } = watch;
    const { objects, removed, isWhole } = incremental
      ? changesOf(all, watch.has)
      : { objects: all, removed: [], isWhole: true };
    watch.sent = version;
    watch.isPartial = !isWhole;
    if (incremental && sent !== undefined && objects.length === 0 && removed.length === 0) return;
    const nonce = String(++this.#nonce);
    watch.pending = { nonce, version, incremental, objects, removed };
    this.#options.send(resourcesMessage({ version, collection, objects, removed, nonce, incremental }));
  }
}

function taken(watch: Watch, { incremental, objects, removed }: Pending): void {
  if (!incremental) watch.has = new Map();
  for (const { name, version } of objects) watch.has.set(name, version);
  for (const name of removed) watch.has.delete(name);
}

/** What the sink lacks, as much as goes into one message. */
function changesOf(all: readonly EncodedObject[], has: ReadonlyMap<string, string>) {
  const objects: EncodedObject[] = [];
  const there = new Set<string>();
  let bytes = 0;
  let isWhole = true;
  for (const each of all) {
    there.add(each.name);
    if (has.get(each.name) === each.version) continue;
    if (objects.length > 0 && bytes + each.bytes.length > CHUNK_BYTES) isWhole = false;
    else {
      objects.push(each);
      bytes += each.bytes.length;
    }
  }
  return { objects, removed: [...has.keys()].filter((name) => !there.has(name)), isWhole };
}
