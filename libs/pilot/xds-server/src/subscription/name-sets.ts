import type { NameSet } from "@xebec/pilot-xds-gen";
import { contentHash } from "@xebec/pilot-xds-gen";

/** The names of a request, and their bytes on the wire. */
export interface RequestedNames {
  readonly bytes: Uint8Array;
  readonly set: NameSet;
}

/**
 * Makes equal lists of names one object, so that a thousand proxies that request the same five hundred names share them.
 * Unused sets are garbage-collected.
 */
export class NameSets {
  readonly #sets = new Map<string, WeakRef<NameSet>>();
  readonly #gone = new FinalizationRegistry<string>((key) => {
    if (this.#sets.get(key)?.deref() === undefined) this.#sets.delete(key);
  });
  /** Names in the order of their first request, by the bytes of that request. */
  readonly #byBytes = new Map<string, WeakRef<RequestedNames>>();

  /** The set of these names, in any order, with or without duplicates. */
  of(names: Iterable<string>): NameSet {
    const sorted = [...new Set(names)].sort();
    const key = contentHash(JSON.stringify(sorted));
    const known = this.#sets.get(key)?.deref();
    if (known) return known;
    const made: NameSet = { key, names: sorted };
    this.#sets.set(key, new WeakRef(made));
    this.#gone.register(made, key);
    return made;
  }

  /** The set of a request's names. Requests of equal bytes are decoded once, and share the bytes, too. */
  ofBytes(bytes: Uint8Array, names: () => string[]): RequestedNames {
    const hash = contentHash(bytes);
    const known = this.#byBytes.get(hash)?.deref();
    if (known) return known;
    const made: RequestedNames = { bytes: Buffer.from(bytes), set: this.of(names()) };
    if (this.#byBytes.size > MAX_REMEMBERED) this.#byBytes.clear();
    this.#byBytes.set(hash, new WeakRef(made));
    return made;
  }
}

const MAX_REMEMBERED = 10_000;
