import { XebecError } from "@xebec/core-errors";
import { decodeResource, parseKey } from "@xebec/model-resources";
import { collectionOfKind } from "./collections.ts";
import { type EncodedObject, encodeObject } from "./object.ts";

interface Entry {
  /** As the bus has it. */
  readonly value: Uint8Array;
  /** Made when somebody asks for it first; undefined before, and of what cannot be sent. */
  encoded?: EncodedObject | undefined;
  isTried: boolean;
}

export interface CollectionStoreOptions {
  /** Told of an object that has no message: it is left out. */
  readonly unsent?: (key: string, reason: string) => void;
}

/** What there is to send, by collection. Objects are encoded once for all sinks, and only when one asks for their collection. */
export class CollectionStore {
  readonly #collections = new Map<string, Map<string, Entry>>();
  readonly #versions = new Map<string, string>();
  readonly #options: CollectionStoreOptions;
  #isWhole = false;

  constructor(options: CollectionStoreOptions = {}) {
    this.#options = options;
  }

  /**
   * Takes a change over.
   * @param puts objects as the bus has them, by `keyOf`
   * @param revision of the configuration after the change: the version of the collections that it changes
   * @returns the names of these collections
   */
  update(
    { puts, deletes }: { readonly puts: ReadonlyMap<string, Uint8Array>; readonly deletes: ReadonlySet<string> },
    revision: number,
  ): ReadonlySet<string> {
    const changed = new Set<string>();
    for (const key of deletes) {
      const collection = collectionOfKey(key);
      if (collection && this.#collections.get(collection)?.delete(key)) changed.add(collection);
    }
    for (const [key, value] of puts) {
      const collection = collectionOfKey(key);
      if (!collection) continue;
      const entries = this.#collections.get(collection) ?? new Map<string, Entry>();
      this.#collections.set(collection, entries);
      entries.set(key, { value, isTried: false });
      changed.add(collection);
    }
    for (const collection of changed) this.#versions.set(collection, String(revision));
    return changed;
  }

  /** False before everything that there is was known once: nothing is sent, it would look deleted. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** All that there is is replaced by `puts`. @returns the names of collections that are others, or may be */
  replace(puts: ReadonlyMap<string, Uint8Array>, revision: number): ReadonlySet<string> {
    const gone = [...this.#collections.values()].flatMap((entries) =>
      [...entries.keys()].filter((key) => !puts.has(key)),
    );
    this.#isWhole = true;
    return this.update({ puts, deletes: new Set(gone) }, revision);
  }

  /** Istio 1.1 gives a collection without objects the version 0. */
  version(collection: string): string {
    return this.#collections.get(collection)?.size ? (this.#versions.get(collection) ?? "0") : "0";
  }

  /** The objects of a collection, one after the other, so that encoding thousands can be cut into turns. */
  *objects(collection: string): Generator<EncodedObject> {
    for (const [key, entry] of this.#collections.get(collection) ?? []) {
      const encoded = this.#encoded(key, entry);
      if (encoded) yield encoded;
    }
  }

  #encoded(key: string, entry: Entry): EncodedObject | undefined {
    if (entry.isTried) return entry.encoded;
    entry.isTried = true;
    try {
      const resource = decodeResource(entry.value);
      const collection = collectionOfKind(resource);
      if (collection) entry.encoded = encodeObject(collection, resource);
    } catch (error) {
      this.#options.unsent?.(key, XebecError.from(error).message);
    }
    return entry.encoded;
  }
}

function collectionOfKey(key: string): string | undefined {
  return collectionOfKind(parseKey(key))?.name;
}
