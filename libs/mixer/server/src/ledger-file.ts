import { closeSync, ftruncateSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { logger } from "@xebec/core-log";

const log = logger("ledger");
const NAME = /^reports\.(\d+)\.ledger$/;

/**
 * One line of the ledger. What a commit says holds as soon as its last line is there; the lines before it are parts.
 * Numbers are absolute, so that a line may be read twice.
 */
export interface LedgerLine {
  /** Names of series: `[number, group, key]`. A number holds within its file. */
  readonly d?: readonly (readonly [number, string, string])[];
  /** Values of series: `[number, ...values]`. */
  readonly v?: readonly (readonly number[])[];
  /** Series that are forgotten. */
  readonly x?: readonly number[];
  /** Ids of entries, 16 bytes each, as base64. */
  readonly i?: string;
  /** Another line of the same commit follows. */
  readonly p?: 1;
  /** From here on all that was in older files is in this one, too. */
  readonly b?: 1;
}

/** The files of a ledger: one is written to; older ones are there until a newer one has everything. */
export class LedgerFile {
  readonly #dir: string;
  #fd: number | undefined;
  #number = 0;
  #older: number[] = [];
  size = 0;

  constructor(dir: string) {
    this.#dir = dir;
  }

  #path(number: number): string {
    return join(this.#dir, `reports.${number}.ledger`);
  }

  /** Reads what was written, in order, and goes on writing there. @param each takes a line; `file` changes with each file */
  open(each: (line: LedgerLine, file: number) => void): void {
    const numbers = readdirSync(this.#dir)
      .flatMap((name) => NAME.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
    const files = numbers.map((number) => ({ number, ...readLines(this.#path(number)) }));
    const first = Math.max(
      0,
      files.findLastIndex(({ lines }) => lines.some((line) => line.b)),
    );
    for (const { number, lines } of files.slice(first)) for (const line of lines) each(line, number);
    this.#older = numbers.slice(0, -1);
    const last = files.at(-1);
    if (!last) {
      this.next();
      this.append('{"b":1}');
      return;
    }
    this.#number = last.number;
    this.#fd = openSync(this.#path(last.number), "a", 0o600);
    // What was cut off in the middle of a commit was never acknowledged.
    ftruncateSync(this.#fd, last.end);
    this.size = last.end;
    if (first === files.length - 1) this.removeOlder();
  }

  /** True while not all is in the file that is written to. */
  get isIncomplete(): boolean {
    return this.#older.length > 0;
  }

  /** @throws Error when it cannot be written; then nothing of it is there */
  append(line: string): void {
    if (this.#fd === undefined) throw new Error("the ledger is closed");
    const bytes = Buffer.from(`${line}\n`);
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at);
    } catch (error) {
      ftruncateSync(this.#fd, this.size);
      throw error;
    }
    this.size += bytes.length;
  }

  /** Begins another file. */
  next(): void {
    if (this.#fd !== undefined) {
      closeSync(this.#fd);
      this.#older.push(this.#number);
    }
    this.#number++;
    this.#fd = openSync(this.#path(this.#number), "w", 0o600);
    this.size = 0;
  }

  get number(): number {
    return this.#number;
  }

  /** All is in the file that is written to. */
  removeOlder(): void {
    for (const number of this.#older) rmSync(this.#path(number), { force: true });
    this.#older = [];
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

/** The lines of a file up to the last whole commit, and where that ends. */
function readLines(path: string): { readonly lines: readonly LedgerLine[]; readonly end: number } {
  const bytes = readFileSync(path);
  const lines: LedgerLine[] = [];
  let whole = 0;
  let end = 0;
  for (let at = 0; at < bytes.length; ) {
    const stop = bytes.indexOf(10, at);
    if (stop < 0) break;
    let line: LedgerLine;
    try {
      line = JSON.parse(bytes.toString("utf8", at, stop)) as LedgerLine;
    } catch (error) {
      log.error({ err: error, path, at }, "the ledger has a line that cannot be read; what follows it is lost");
      break;
    }
    lines.push(line);
    at = stop + 1;
    if (line.p) continue;
    whole = lines.length;
    end = at;
  }
  return { lines: lines.slice(0, whole), end };
}
