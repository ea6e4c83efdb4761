import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { basename, dirname, extname, join } from "node:path";

export interface Rotation {
  /** The file is put aside before it would grow beyond so many bytes. */
  readonly maxBytes: number;
  /** Files put aside are removed after so many days; 0 keeps them. */
  readonly maxDays: number;
  /** How many files put aside are kept; 0 keeps all. */
  readonly maxFiles: number;
}

/** A log file that is appended to and, when it has a rotation, put aside under its time when it is full. */
export class LogFile {
  readonly #path: string;
  readonly #rotation: Rotation | undefined;
  readonly #now: () => number;
  #fd: number;
  #size: number;

  /** @throws Error when the file cannot be opened */
  constructor(path: string, rotation: Rotation | undefined, now: () => number) {
    this.#path = path;
    this.#rotation = rotation;
    this.#now = now;
    mkdirSync(dirname(path), { recursive: true });
    this.#fd = openSync(path, "a");
    this.#size = fstatSync(this.#fd).size;
  }

  write(text: string): void {
    const bytes = Buffer.from(text);
    if (this.#rotation && this.#size > 0 && this.#size + bytes.length > this.#rotation.maxBytes)
      this.#rotate(this.#rotation);
    writeSync(this.#fd, bytes);
    this.#size += bytes.length;
  }

  close(): void {
    closeSync(this.#fd);
  }

  #rotate({ maxDays, maxFiles }: Rotation): void {
    closeSync(this.#fd);
    const extension = extname(this.#path);
    const stem = basename(this.#path, extension);
    const folder = dirname(this.#path);
    const stamp = new Date(this.#now()).toISOString().replaceAll(":", "-").slice(0, -1);
    let aside = join(folder, `${stem}-${stamp}${extension}`);
    for (let i = 1; statSync(aside, { throwIfNoEntry: false }); i++)
      aside = join(folder, `${stem}-${stamp}.${i}${extension}`);
    renameSync(this.#path, aside);
    this.#fd = openSync(this.#path, "a");
    this.#size = 0;
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
}
