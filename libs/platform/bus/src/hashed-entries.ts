import { createHash } from "node:crypto";

const MODULUS = 1n << 256n;

/** The hash of a set of entries that does not depend on their order and follows a change at the cost of that change. */
export class EntriesHash {
  #sum = 0n;

  add(key: string, value: Uint8Array): void {
    this.#sum = (this.#sum + entryHash(key, value)) % MODULUS;
  }

  remove(key: string, value: Uint8Array): void {
    this.#sum = (this.#sum - entryHash(key, value) + MODULUS) % MODULUS;
  }

  get text(): string {
    return this.#sum.toString(16).padStart(64, "0");
  }
}

function entryHash(key: string, value: Uint8Array): bigint {
  const hash = createHash("sha256").update(key).update("\0").update(value).digest("hex");
  return BigInt(`0x${hash}`);
}

/** The entries of one source together with their hash. */
export class HashedEntries {
  readonly entries = new Map<string, Uint8Array>();
  readonly #hash = new EntriesHash();

  /** Says whether the key has exactly this value; undefined: that there is none. */
  has(key: string, value: Uint8Array | undefined): boolean {
    const old = this.entries.get(key);
    return old === value || Boolean(old && value && Buffer.compare(old, value) === 0);
  }

  /** @returns false when nothing changed */
  set(key: string, value: Uint8Array | undefined): boolean {
    const old = this.entries.get(key);
    if (this.has(key, value)) return false;
    if (old) this.#hash.remove(key, old);
    if (value) {
      this.#hash.add(key, value);
      this.entries.set(key, value);
    } else this.entries.delete(key);
    return true;
  }

  get hash(): string {
    return this.#hash.text;
  }
}
