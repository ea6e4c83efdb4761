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

  get isEmpty(): boolean {
    return this.#sum === 0n;
  }

  get text(): string {
    return hashText(this.#sum);
  }
}

/** The hash of sets together that have no key in common. @param hashes of each, as text */
export function joinHashes(hashes: Iterable<string>): string {
  let sum = 0n;
  for (const each of hashes) sum = (sum + BigInt(`0x${each}`)) % MODULUS;
  return hashText(sum);
}

function hashText(sum: bigint): string {
  return sum.toString(16).padStart(64, "0");
}

function entryHash(key: string, value: Uint8Array): bigint {
  const hash = createHash("sha256").update(key).update("\0").update(value).digest("hex");
  return BigInt(`0x${hash}`);
}

/** The entries of one source together with their hash, and that of each part. */
export class HashedEntries {
  readonly entries = new Map<string, Uint8Array>();
  readonly #partOf: (key: string) => string;
  readonly #parts = new Map<string, EntriesHash>();

  /** @param partOf the part that a key belongs to; absent: there is one */
  constructor(partOf: ((key: string) => string) | undefined) {
    this.#partOf = partOf ?? (() => "");
  }

  /** Says whether the key has exactly this value; undefined: that there is none. */
  has(key: string, value: Uint8Array | undefined): boolean {
    const old = this.entries.get(key);
    return old === value || Boolean(old && value && Buffer.compare(old, value) === 0);
  }

  /** @returns false when nothing changed */
  set(key: string, value: Uint8Array | undefined): boolean {
    const old = this.entries.get(key);
    if (this.has(key, value)) return false;
    const hash = this.#hashOf(key);
    if (old) hash.remove(key, old);
    if (value) {
      hash.add(key, value);
      this.entries.set(key, value);
    } else this.entries.delete(key);
    return true;
  }

  get hash(): string {
    return joinHashes([...this.#parts.values()].map(({ text }) => text));
  }

  /** The hash of each part that has entries, by name. */
  get parts(): Readonly<Record<string, string>> {
    const filled = [...this.#parts].filter(([, hash]) => !hash.isEmpty);
    return Object.fromEntries(filled.map(([part, { text }]) => [part, text]));
  }

  #hashOf(key: string): EntriesHash {
    const part = this.#partOf(key);
    let hash = this.#parts.get(part);
    if (!hash) {
      hash = new EntriesHash();
      this.#parts.set(part, hash);
    }
    return hash;
  }
}
