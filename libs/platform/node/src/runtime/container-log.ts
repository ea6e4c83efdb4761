import { closeSync, existsSync, mkdirSync, openSync, renameSync, statSync, watch, writeSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { sleep } from "@xebec/core-async";

export type StreamName = "stdout" | "stderr";

/** A file that grows beyond this is put aside, as kubelet does. */
const MOST_BYTES = 10 << 20;
/** Longer lines are written in parts. */
const MOST_LINE = 16 << 10;

/** A container's log in the format of container runtimes: `TIME STREAM F|P TEXT`. */
export class ContainerLog {
  readonly path: string;
  readonly #rest: Record<StreamName, string> = { stdout: "", stderr: "" };
  #file: number | undefined;
  #size: number;

  constructor(path: string) {
    this.path = path;
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    this.#file = openSync(path, "a", 0o600);
    this.#size = statSync(path).size;
  }

  write(stream: StreamName, bytes: Buffer): void {
    const lines = (this.#rest[stream] + bytes.toString("utf8")).split("\n");
    this.#rest[stream] = lines.pop() ?? "";
    const time = new Date().toISOString();
    let text = "";
    for (const line of lines) text += `${time} ${stream} F ${line}\n`;
    if (this.#rest[stream].length > MOST_LINE) {
      text += `${time} ${stream} P ${this.#rest[stream]}\n`;
      this.#rest[stream] = "";
    }
    if (text) this.#append(text);
  }

  end(): void {
    const time = new Date().toISOString();
    for (const stream of ["stdout", "stderr"] as const)
      if (this.#rest[stream]) this.#append(`${time} ${stream} P ${this.#rest[stream]}\n`);
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #append(text: string): void {
    if (this.#file === undefined) return;
    if (this.#size > MOST_BYTES) {
      closeSync(this.#file);
      renameSync(this.path, `${this.path}.1`);
      this.#file = openSync(this.path, "a", 0o600);
      this.#size = 0;
    }
    this.#size += writeSync(this.#file, text);
  }
}

export interface LogQuery {
  readonly follow: boolean;
  readonly timestamps: boolean;
  readonly tailLines?: number;
  readonly limitBytes?: number;
  /** Milliseconds since 1970. */
  readonly since?: number;
  readonly stream?: "All" | "Stdout" | "Stderr";
}

/**
 * Reads a log, and what is added to it.
 * @param running whether more may come
 */
export async function* readLog(
  path: string,
  query: LogQuery,
  running: () => boolean,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let left = query.limitBytes ?? Number.POSITIVE_INFINITY;
  const shown = (lines: readonly string[]): string => {
    const text = lines.map((line) => show(line, query)).join("");
    const part = text.length > left ? text.slice(0, left) : text;
    left -= part.length;
    return part;
  };
  const first = await linesFrom(existsSync(`${path}.1`) ? `${path}.1` : path, 0);
  let { lines, end } = first;
  if (existsSync(`${path}.1`)) {
    const second = await linesFrom(path, 0);
    lines = [...lines, ...second.lines];
    end = second.end;
  }
  const wanted = lines.filter((line) => isWanted(line, query));
  yield shown(query.tailLines === undefined ? wanted : query.tailLines === 0 ? [] : wanted.slice(-query.tailLines));
  let inode = inodeOf(path);
  while (query.follow && left > 0 && !signal.aborted) {
    const wasRunning = running();
    const next = inodeOf(path);
    if (next !== inode) {
      inode = next;
      end = 0;
    }
    const more = await linesFrom(path, end);
    end = more.end;
    if (more.lines.length > 0) yield shown(more.lines.filter((line) => isWanted(line, query)));
    else if (wasRunning) await changed(path, signal);
    else return;
  }
}

/** The last lines of a log as text. */
export async function tailOf(path: string, lines: number): Promise<string> {
  const all = (await linesFrom(path, 0)).lines;
  return all
    .slice(-lines)
    .map((line) => show(line, { timestamps: false }))
    .join("");
}

async function linesFrom(path: string, from: number): Promise<{ lines: string[]; end: number }> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { lines: [], end: from };
    throw error;
  }
  try {
    const { size } = await file.stat();
    if (size <= from) return { lines: [], end: from };
    const bytes = Buffer.alloc(size - from);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, from);
    const whole = bytes.subarray(0, bytesRead).lastIndexOf(10) + 1;
    return { lines: bytes.subarray(0, whole).toString().split("\n").slice(0, -1), end: from + whole };
  } finally {
    await file.close();
  }
}

function isWanted(line: string, { since, stream = "All" }: LogQuery): boolean {
  const [time = "", from] = line.split(" ", 2);
  if (stream !== "All" && stream.toLowerCase() !== from) return false;
  return since === undefined || Date.parse(time) >= since;
}

function show(line: string, { timestamps }: Pick<LogQuery, "timestamps">): string {
  const parts = /^(\S+) \S+ ([FP]) (.*)$/s.exec(line);
  if (!parts) return `${line}\n`;
  return `${timestamps ? `${parts[1]} ` : ""}${parts[3]}${parts[2] === "F" ? "\n" : ""}`;
}

function inodeOf(path: string): number {
  try {
    return statSync(path).ino;
  } catch {
    return 0; // between two files
  }
}

/** Resolves when something happens to the file's folder, at the latest after a second. */
async function changed(path: string, signal: AbortSignal): Promise<void> {
  const waiting = new AbortController();
  const watcher = watch(join(path, ".."), () => waiting.abort());
  watcher.on("error", () => waiting.abort());
  try {
    await sleep(1_000, AbortSignal.any([signal, waiting.signal]));
  } finally {
    watcher.close();
  }
}
