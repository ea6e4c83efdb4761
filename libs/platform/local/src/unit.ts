import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { backoff, sleep } from "@xebec/core-async";
import { logger } from "@xebec/core-log";
import { isRunning, type ProcessId, processOf, signalGroup } from "./process-table.ts";

const log = logger("local");

export interface UnitSpec {
  /** `service/pilot`, `pod/default/reviews-v1-x/app`. */
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly logFile: string;
}

const POLL_MS = 100;
const BACKOFF = { baseMs: 100, maxMs: 10_000 };
/** A process that ran for so long has not failed at its start: the next restart is quick again. */
const STABLE_MS = 5_000;

/**
 * One process that is kept running: started as a group of its own that writes straight to its log file, so that it outlives
 * the supervisor; adopted by its id when a new supervisor finds it; started again when it ends.
 */
export class Unit {
  readonly spec: UnitSpec;
  readonly #changed: () => void;
  #id: ProcessId | undefined;
  #child: ChildProcess | undefined;
  #wanted = false;
  #released = false;
  #loop: Promise<void> | undefined;
  readonly #stop = new AbortController();
  restarts = 0;
  startedAt: Date | undefined;

  /** @param changed called when the process id changes, for the state file */
  constructor(spec: UnitSpec, changed: () => void) {
    this.spec = spec;
    this.#changed = changed;
  }

  /** The process while it runs. */
  get id(): ProcessId | undefined {
    return this.#id;
  }

  /** Starts it, or adopts the process that an earlier supervisor started. */
  start(adopt?: ProcessId): void {
    this.#wanted = true;
    if (adopt && isRunning(adopt)) {
      this.#id = adopt;
      this.startedAt = new Date();
      log.info({ unit: this.spec.name, pid: adopt.pid }, "adopted");
    }
    this.#loop ??= this.#keep();
  }

  async #keep(): Promise<void> {
    for (let attempt = 0; this.#wanted; ) {
      const since = performance.now();
      if (!this.#id) await this.#spawn();
      while (this.#id && !this.#released && isRunning(this.#id)) await sleep(POLL_MS);
      if (this.#released) return;
      this.#id = undefined;
      this.#changed();
      if (!this.#wanted) return;
      attempt = performance.now() - since > STABLE_MS ? 0 : attempt + 1;
      this.restarts++;
      const delay = attempt === 0 ? 0 : backoff(attempt - 1, BACKOFF);
      log.warn(
        { unit: this.spec.name, restarts: this.restarts, delay: Math.round(delay) },
        "the process has ended; it is started again",
      );
      await sleep(delay, this.#stop.signal);
    }
  }

  async #spawn(): Promise<void> {
    const { command, env, cwd, logFile } = this.spec;
    mkdirSync(dirname(logFile), { recursive: true, mode: 0o700 });
    const [file, ...args] = command;
    // A pipe would die with its reader; a file does not.
    const out = openSync(logFile, "a", 0o600);
    try {
      const child = spawn(file, args, { cwd, env, detached: true, stdio: ["ignore", out, out] });
      this.#child = child;
      await new Promise<void>((resolve) => {
        child.once("spawn", resolve);
        child.once("error", (error) => {
          log.error({ unit: this.spec.name, err: error }, "the process cannot be started");
          resolve();
        });
      });
      child.unref();
      this.#id = child.pid === undefined ? undefined : processOf(child.pid);
      this.startedAt = new Date();
      this.#changed();
    } finally {
      closeSync(out);
    }
  }

  /** Ends its whole group: asks, waits, then insists. It is not started again. */
  async end(graceMs: number): Promise<void> {
    this.#wanted = false;
    const id = this.#id;
    if (id) {
      signalGroup(id, "SIGTERM");
      const until = performance.now() + graceMs;
      while (isRunning(id) && performance.now() < until) await sleep(20);
      signalGroup(id, "SIGKILL");
    }
    this.#stop.abort();
    await this.#loop;
  }

  /** Leaves the process running and forgets it: the supervisor goes, the mesh stays. */
  release(): void {
    this.#wanted = false;
    this.#released = true;
    this.#child?.unref();
    this.#stop.abort();
  }
}
