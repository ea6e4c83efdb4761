import { closeSync, fstatSync, readdirSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";

export interface Rotation {
  /** The file is put aside before it would grow beyond so many bytes. */
  readonly maxBytes: number;
  /** Files put aside are removed after so many days; 0 keeps them. */
  readonly maxDays: number;
  /** How many files put aside are kept; 0 keeps all. */
  readonly maxFiles: number;
}

/** How long after a rotation that failed the next one is tried, in milliseconds. */
const AGAIN_MS = 60_000;

/** A log file that is appended to and, when it has a rotation, put aside under its time when it is full. */
export class LogFile {
  readonly #path: string;
  readonly #rotation: Rotation | undefined;
  readonly #now: () => number;
  readonly #failed: (error: unknown) => void;
  readonly #open: () => number;
  /** Undefined once it is closed: the number may belong to another file by then. */
  #fd: number | undefined;
  #size: number;
  #rotateAfter = 0;

  /**
   * @param open opens the file to append to; its descriptor
   * @param failed is called with a rotation that failed; lines go on into the file that is open
   * @throws Error when the file cannot be opened
   */
  constructor(
    path: string,
    rotation: Rotation | undefined,
    now: () => number,
    failed: (error: unknown) => void,
    open: () => number,
  ) {
    this.#path = path;
    this.#open = open;
    this.#rotation = rotation;
    this.#now = now;
    this.#failed = failed;
    this.#fd = open();
    this.#size = fstatSync(this.#fd).size;
  }

  /** @throws Error when nothing can be written, or after the end */
  write(text: string): void {
    const bytes = Buffer.from(text);
    if (this.#rotation && this.#size > 0 && this.#size + bytes.length > this.#rotation.maxBytes)
      this.#tryToRotate(this.#rotation);
    if (this.#fd === undefined) throw new Error(`the log file ${this.#path} is closed`);
    writeSync(this.#fd, bytes);
    this.#size += bytes.length;
  }

  close(): void {
    const fd = this.#fd;
    this.#fd = undefined;
    if (fd !== undefined) closeSync(fd);
  }

  #tryToRotate(rotation: Rotation): void {
    const now = this.#now();
    if (this.#fd === undefined || now < this.#rotateAfter) return;
    try {
      this.#rotate(this.#fd);
      this.#removeOld(rotation);
      this.#rotateAfter = 0;
    } catch (error) {
      this.#rotateAfter = now + AGAIN_MS;
      this.#failed(error);
    }
  }

  /** Puts the file aside and begins a new one. When that cannot be opened, the file has its name again and stays open. */
  #rotate(before: number): void {
    const aside = this.#nameAside();
    // Somebody else may have put the file aside already.
    const there = statSync(this.#path, { throwIfNoEntry: false }) !== undefined;
    if (there) renameSync(this.#path, aside);
    try {
      this.#fd = this.#open();
    } catch (error) {
      if (there) renameSync(aside, this.#path);
      throw error;
    }
    this.#size = fstatSync(this.#fd).size;
    closeSync(before);
  }

  #nameAside(): string {
    const { stem, extension, folder } = this.#parts();
    const stamp = new Date(this.#now()).toISOString().replaceAll(":", "-").slice(0, -1);
    let aside = join(folder, `${stem}-${stamp}${extension}`);
    for (let i = 1; statSync(aside, { throwIfNoEntry: false }); i++)
      aside = join(folder, `${stem}-${stamp}.${i}${extension}`);
    return aside;
  }

  #removeOld({ maxDays, maxFiles }: Rotation): void {
    const { stem, extension, folder } = this.#parts();
    const kept = readdirSync(folder)
      .filter((name) => name.startsWith(`${stem}-2`) && name.endsWith(extension))
      .sort()
      .reverse();
    for (const [i, name] of kept.entries()) {
      const path = join(folder, name);
      const age = this.#now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0);
      if ((maxFiles > 0 && i >= maxFiles) || (maxDays > 0 && age > maxDays * 86_400_000)) rmSync(path, { force: true });
    }
  }

  #parts(): { stem: string; extension: string; folder: string } {
    const extension = extname(this.#path);
    return { stem: basename(this.#path, extension), extension, folder: dirname(this.#path) };
  }
}
