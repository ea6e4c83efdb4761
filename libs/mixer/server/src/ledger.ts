import { setImmediate as turn } from "node:timers/promises";
import { XebecError } from "@xebec/core-errors";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import type { KeptGroup, KeptSlot } from "@xebec/mixer-sdk";
import { LedgerFile, type LedgerLine } from "./ledger-file.ts";
import { type Id, SeenIds, WORDS } from "./seen-ids.ts";

const log = logger("ledger");

/** A file of this size is followed by a new one, or of twice the size of what is in it. */
const LARGE = 16 << 20;
/** So many series, or ids, are written in one turn. */
const PIECE = 500;
const IDS_PIECE = 10_000;
/** After this time a series is dropped that nobody counts in any more. */
const ORPHAN_MS = 600_000;
/** How often that is kept which is not acknowledged. */
const KEEP_MS = 1_000;
/** How long after a copy that failed the next one begins. */
const AGAIN_MS = 60_000;

interface Slot extends KeptSlot {
  readonly group: string;
  readonly key: string;
  read: (() => readonly number[]) | undefined;
  /** The values while nobody counts. */
  values: readonly number[];
  dirty: boolean;
  forgotten: boolean;
  /** The file that has its name, and its number there. */
  file: number;
  number: number;
  orphanSince: number;
}

/**
 * What of reports outlasts the process: the values of counters, and the ids of the entries that are in them. Both are written in one
 * commit before entries are acknowledged, so that an entry is counted once, whenever the process is killed
 * (docs/adr/0023-durable-reports.md). Without a directory it only remembers ids.
 */
export class Ledger {
  readonly seen: SeenIds;
  readonly #file: LedgerFile | undefined;
  readonly #groups = new Map<string, Map<string, Slot>>();
  readonly #now: () => number;
  readonly #large: number;
  #dirty: Slot[] = [];
  #ids: number[] = [];
  #numbers = 0;
  #copy: Iterator<string | undefined> | undefined;
  #copied = 0;
  #copyAfter = 0;
  #isIdle: () => boolean = () => true;

  /**
   * @param options.dir where it is kept
   * @param options.large size of a file, in bytes, after which a new one is begun
   */
  constructor({ dir, seen = new SeenIds(), now = Date.now, large = LARGE }: LedgerOptions = {}) {
    this.seen = seen;
    this.#now = now;
    this.#large = large;
    if (dir === undefined) return;
    this.#file = new LedgerFile(dir);
    const slots = new Map<number, Slot>();
    let file = -1;
    this.#file.open((line, number) => {
      if (number !== file) slots.clear();
      file = number;
      this.#take(line, slots, number);
    });
  }

  #take({ d = [], v = [], x = [], i }: LedgerLine, slots: Map<number, Slot>, file: number): void {
    for (const [number, group, key] of d) {
      const slot = this.#slot(group, key);
      slot.file = file;
      slot.number = number;
      slots.set(number, slot);
      this.#numbers = Math.max(this.#numbers, number);
    }
    for (const [number, ...values] of v) {
      const slot = slots.get(number as number);
      if (slot) slot.values = values;
    }
    for (const number of x) {
      const slot = slots.get(number);
      if (slot) this.#groups.get(slot.group)?.delete(slot.key);
      slots.delete(number);
    }
    if (i === undefined) return;
    const bytes = Buffer.from(i, "base64");
    const id = new Uint32Array(WORDS);
    for (let at = 0; at + 4 * WORDS <= bytes.length; at += 4 * WORDS) {
      for (let word = 0; word < WORDS; word++) id[word] = bytes.readUInt32LE(at + 4 * word);
      this.seen.add(id);
    }
  }

  #slot(group: string, key: string): Slot {
    let slots = this.#groups.get(group);
    if (!slots) {
      slots = new Map();
      this.#groups.set(group, slots);
    }
    let slot = slots.get(key);
    if (!slot) {
      slot = this.#makeSlot(group, key);
      slots.set(key, slot);
    }
    return slot;
  }

  #makeSlot(group: string, key: string): Slot {
    const slot: Slot = {
      ...{ group, key, read: undefined, values: [], dirty: false, forgotten: false, file: -1, number: 0 },
      orphanSince: this.#now(),
      changed: () => {
        if (slot.dirty) return;
        slot.dirty = true;
        this.#dirty.push(slot);
      },
      forget: () => {
        this.#groups.get(group)?.delete(key);
        slot.forgotten = true;
        slot.changed();
      },
    };
    return slot;
  }

  /** The numbers of one group, such as a metric. */
  group(name: string): KeptGroup {
    return {
      entries: () => [...(this.#groups.get(name) ?? [])].map(([key, { read, values }]) => [key, read?.() ?? values]),
      slot: (key, read) => {
        const slot = this.#slot(name, key);
        slot.read = read;
        return slot;
      },
      release: () => {
        for (const slot of this.#groups.get(name)?.values() ?? []) {
          slot.values = slot.read?.() ?? slot.values;
          slot.read = undefined;
          slot.orphanSince = this.#now();
        }
      },
    };
  }

  /** An entry's id is in the next commit. @returns whether it is new */
  enter(id: Id): boolean {
    if (!this.seen.add(id)) return false;
    if (this.#file) this.#ids.push(...id);
    return true;
  }

  /** Whether there is something to commit. */
  get isDirty(): boolean {
    return this.#dirty.length > 0 || this.#ids.length > 0;
  }

  /**
   * Writes what changed since the last commit: all of it or, when the process is killed meanwhile, nothing.
   * @throws XebecError unavailable when it cannot be written; the next commit has it, too
   */
  async commit(): Promise<void> {
    const file = this.#file;
    if (!file || !this.isDirty) return;
    const slots = this.#dirty;
    const ids = this.#ids;
    this.#dirty = [];
    this.#ids = [];
    for (const slot of slots) slot.dirty = false;
    try {
      for (let at = 0; at + PIECE < slots.length; at += PIECE) {
        file.append(lineOf({ ...this.#piece(slots.slice(at, at + PIECE)), p: 1 }));
        await turn();
      }
      const last = slots.slice(Math.floor(Math.max(0, slots.length - 1) / PIECE) * PIECE);
      file.append(lineOf({ ...this.#piece(last), ...(ids.length > 0 ? { i: base64(ids) } : {}) }));
    } catch (error) {
      for (const slot of slots) slot.changed();
      this.#ids = ids.concat(this.#ids);
      log.error({ err: error }, "the ledger cannot be written");
      throw new XebecError("unavailable", "what was reported cannot be kept; try again", { cause: error });
    }
  }

  #piece(slots: readonly Slot[]): LedgerLine {
    const file = this.#file?.number ?? 0;
    const d: [number, string, string][] = [];
    const v: number[][] = [];
    const x: number[] = [];
    for (const slot of slots) {
      if (slot.forgotten) {
        if (slot.file === file) x.push(slot.number);
        continue;
      }
      if (slot.file !== file) {
        slot.file = file;
        slot.number = ++this.#numbers;
        d.push([slot.number, slot.group, slot.key]);
      }
      v.push([slot.number, ...(slot.read?.() ?? slot.values)]);
    }
    return { ...(d.length > 0 ? { d } : {}), ...(v.length > 0 ? { v } : {}), ...(x.length > 0 ? { x } : {}) };
  }

  /**
   * Copies a piece of what there is to a new file, when the old one is large. Called between commits: what is not committed must not
   * get there.
   * @returns whether there is more to copy
   */
  tidy(): boolean {
    const file = this.#file;
    if (!file || this.isDirty || this.#now() < this.#copyAfter) return false;
    try {
      if (!this.#copy) {
        if (!file.isIncomplete && file.size < Math.max(this.#large, 2 * this.#copied)) return false;
        file.next();
        this.#copy = this.#lines();
      }
      const { value, done } = this.#copy.next();
      if (value !== undefined) file.append(value);
      if (!done) return true;
      file.append('{"b":1}');
      file.removeOlder();
      this.#copied = file.size;
      this.#copy = undefined;
      return false;
    } catch (error) {
      log.error({ err: error }, "the ledger cannot be copied; it goes on in two files");
      this.#copy = undefined;
      this.#copyAfter = this.#now() + AGAIN_MS;
      return false;
    }
  }

  *#lines(): Generator<string | undefined> {
    const all = [...this.#groups.values()].flatMap((slots) => [...slots.values()]);
    const old = this.#now() - ORPHAN_MS;
    for (let at = 0; at < all.length; at += PIECE) {
      const piece = all.slice(at, at + PIECE).filter((slot) => {
        if (slot.forgotten) return false;
        if (slot.read || slot.orphanSince > old) return true;
        this.#groups.get(slot.group)?.delete(slot.key);
        return false;
      });
      yield lineOf(this.#piece(piece));
    }
    let ids: number[] = [];
    for (const id of this.seen.ids()) {
      ids.push(...id);
      if (ids.length < IDS_PIECE * WORDS) continue;
      yield lineOf({ i: base64(ids) });
      ids = [];
    }
    if (ids.length > 0) yield lineOf({ i: base64(ids) });
  }

  /** @param isIdle says whether no request is being reported: what it has done so far must not be kept without it */
  whenIdle(isIdle: () => boolean): void {
    this.#isIdle = isIdle;
  }

  /** Keeps what came without ids, once a second, and is closed last. */
  component(): Component {
    let timer: NodeJS.Timeout | undefined;
    const keep = async (): Promise<void> => {
      if (!this.#isIdle()) return;
      await this.commit();
      this.tidy();
    };
    return {
      name: "ledger of reports",
      start: async () => {
        timer = setInterval(() => void keep().catch(() => undefined), KEEP_MS);
        timer.unref();
      },
      close: async () => {
        clearInterval(timer);
        await this.commit().catch(() => undefined);
        this.#file?.close();
      },
    };
  }
}

interface LedgerOptions {
  readonly dir?: string;
  readonly seen?: SeenIds;
  readonly now?: () => number;
  readonly large?: number;
}

const lineOf = (line: LedgerLine): string => JSON.stringify(line);

function base64(words: readonly number[]): string {
  const bytes = Buffer.allocUnsafe(4 * words.length);
  for (const [i, word] of words.entries()) bytes.writeUInt32LE(word, 4 * i);
  return bytes.toString("base64");
}
