import { createHash, randomBytes } from "node:crypto";

/** So many ids are certainly remembered, and at most twice as many: 32 MiB. */
const CERTAIN = 1 << 18;
/** So long a search ends: callers choose their ids, and could choose such that collide. */
const MOST_PROBES = 64;
const LONGEST_ID = 128;
export const WORDS = 4;

const seeds = new Uint32Array(randomBytes(8).buffer.slice(0, 8));
const SEED = seeds[0] as number;
const OTHER_SEED = seeds[1] as number;

/** An id as four words of 32 bits. */
export type Id = Uint32Array;

/**
 * Reads an id: the digits of a UUID, or the digest of other text.
 * @returns false when it is empty or too long
 */
export function readId(bytes: Buffer, start: number, end: number, into: Id): boolean {
  const length = end - start;
  if (length === 0 || length > LONGEST_ID) return false;
  if (length === 36 && readUuid(bytes, start, end, into)) return true;
  const digest = createHash("sha256").update(bytes.subarray(start, end)).digest();
  for (let i = 0; i < WORDS; i++) into[i] = digest.readUInt32LE(4 * i);
  return true;
}

function readUuid(bytes: Buffer, start: number, end: number, into: Id): boolean {
  let digits = 0;
  let word = 0;
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number;
    if (byte === 45) continue;
    const digit = byte >= 48 && byte <= 57 ? byte - 48 : byte >= 97 && byte <= 102 ? byte - 87 : -1;
    if (digit < 0 || digits === 32) return false;
    word = (word << 4) | digit;
    digits++;
    if (digits % 8 === 0) into[digits / 8 - 1] = word;
  }
  return digits === 32;
}

/** A set of ids of limited size, without objects for each. */
class Generation {
  readonly #words: Uint32Array;
  readonly #mask: number;
  size = 0;

  /** @param most how many ids; a power of two */
  constructor(most: number) {
    this.#words = new Uint32Array(most * 2 * WORDS);
    this.#mask = most * 2 - 1;
  }

  /** @returns the place of the id, of the empty place where it belongs as its complement, or undefined when there is none near */
  find([a, b, c, d]: Id): number | undefined {
    const words = this.#words;
    let at = hash(a as number, b as number, c as number, d as number) & this.#mask;
    for (let i = 0; i < MOST_PROBES; i++) {
      const place = at * WORDS;
      const w = words[place];
      const x = words[place + 1];
      const y = words[place + 2];
      const z = words[place + 3];
      if (w === a && x === b && y === c && z === d) return place;
      if (w === 0 && x === 0 && y === 0 && z === 0) return ~place;
      at = (at + 1) & this.#mask;
    }
    return undefined;
  }

  put(place: number, id: Id): void {
    this.#words.set(id, place);
    this.size++;
  }

  *ids(): Iterable<Id> {
    const words = this.#words;
    for (let at = 0; at < words.length; at += WORDS)
      if (words[at] || words[at + 1] || words[at + 2] || words[at + 3]) yield words.subarray(at, at + WORDS);
  }
}

function hash(a: number, b: number, c: number, d: number): number {
  let h = Math.imul(a ^ SEED, 0x85ebca6b);
  h = Math.imul((h ^ (h >>> 15)) + b, 0xc2b2ae35);
  h = Math.imul((h ^ (h >>> 13)) + c, 0x27d4eb2f);
  h = Math.imul((h ^ (h >>> 16)) + (d ^ OTHER_SEED), 0x165667b1);
  return (h ^ (h >>> 15)) >>> 0;
}

/** The ids that were seen last, in bounded memory: the older half is forgotten at once. */
export class SeenIds {
  readonly #certain: number;
  #now: Generation | undefined;
  #before: Generation | undefined;

  /** @param certain so many are certainly remembered; a power of two */
  constructor(certain: number = CERTAIN) {
    this.#certain = certain;
  }

  get size(): number {
    return (this.#now?.size ?? 0) + (this.#before?.size ?? 0);
  }

  /** @returns whether it is new; then it is remembered */
  add(id: Id): boolean {
    const old = this.#before?.find(id);
    if (old !== undefined && old >= 0) return false;
    this.#now ??= new Generation(this.#certain);
    let place = this.#now.find(id);
    if (place !== undefined && place >= 0) return false;
    if (place === undefined || this.#now.size >= this.#certain) {
      this.#before = this.#now;
      this.#now = new Generation(this.#certain);
      place = this.#now.find(id) as number;
    }
    this.#now.put(~place, id);
    return true;
  }

  /** All that are remembered, the older ones first. */
  *ids(): Iterable<Id> {
    if (this.#before) yield* this.#before.ids();
    if (this.#now) yield* this.#now.ids();
  }
}
