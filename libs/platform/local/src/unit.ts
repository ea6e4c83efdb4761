import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { backoff, sleep } from "@xebec/core-async";
import { logger } from "@xebec/core-log";
import {
  groupMembers,
  isRunning,
  type ProcessId,
  processOf,
  RUN_MARK,
  signalGroup,
  signalProcess,
} from "@xebec/platform-process";

const log = logger("local");

export interface UnitSpec {
  /** `service/pilot`, `pod/default/reviews-v1-x/app`. */
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly logFile: string;
  /** When it ends by itself, its children go on and its successor takes them over. */
  readonly leavesChildren?: boolean;
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
  #starting: Promise<void> | undefined;
  readonly #stop = new AbortController();
  restarts = 0;
  /** Why it could not be started. */
  problem = "";
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
      if (!this.#id) {
        this.#starting = this.#spawn();
        await this.#starting;
      }
      await this.#over();
      if (this.#released) return;
      if (this.#id && !this.spec.leavesChildren) this.#endRest(this.#id);
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

  /** Waits until the process has ended, or is left alone. */
  async #over(): Promise<void> {
    const child = this.#child;
    if (child?.pid !== undefined && child.pid === this.#id?.pid) {
      if (child.exitCode === null && child.signalCode === null)
        await Promise.race([new Promise((resolve) => child.once("exit", resolve)), aborted(this.#stop.signal)]);
      if (this.#released || child.exitCode !== null || child.signalCode !== null) return;
    }
    // Nobody tells of a process that an earlier supervisor started.
    while (this.#id && !this.#released && this.#runs(this.#id)) await sleep(POLL_MS);
  }

  /** A process that cannot be looked at goes on as far as anyone knows: a second one must not be started beside it. */
  #runs(id: ProcessId): boolean {
    try {
      return isRunning(id);
    } catch (error) {
      log.warn({ unit: this.spec.name, err: error }, "it cannot be told whether the process runs");
      return true;
    }
  }

  async #spawn(): Promise<void> {
    const { command, env, cwd, logFile } = this.spec;
    const [file, ...args] = command;
    let out: number | undefined;
    let child: ChildProcess | undefined;
    try {
      mkdirSync(dirname(logFile), { recursive: true, mode: 0o700 });
      // A pipe would die with its reader; a file does not.
      out = openSync(logFile, "a", 0o600);
      child = spawn(file, args, { cwd, env, detached: true, stdio: ["ignore", out, out] });
      this.#child = child;
      await started(child);
      child.unref();
      this.#id = child.pid === undefined ? undefined : processOf(child.pid);
      this.problem = "";
      this.startedAt = new Date();
      this.#changed();
    } catch (error) {
      // A full disk or a missing program may be cured while the mesh runs: it is tried again.
      child?.kill("SIGKILL"); // it was started, but cannot be looked after
      this.problem = `cannot be started: ${(error as Error).message}`;
      log.error({ unit: this.spec.name, err: error }, "the process cannot be started");
    } finally {
      if (out !== undefined) closeSync(out);
    }
  }

  /** Ends its whole group: asks, waits, then insists. It is not started again. */
  async end(graceMs: number): Promise<void> {
    this.#wanted = false;
    // A start that is under way is let through, so that what it starts can be ended.
    await this.#starting;
    const id = this.#id;
    if (id) {
      signalGroup(id, "SIGTERM");
      const until = performance.now() + graceMs;
      while (isRunning(id) && performance.now() < until) await sleep(20);
      signalGroup(id, "SIGKILL");
      this.#endRest(id);
    }
    this.#stop.abort();
    await this.#loop;
  }

  /** What the first process of the group has left behind. */
  #endRest(id: ProcessId): void {
    const mark = this.spec.env[RUN_MARK];
    if (mark === undefined) return;
    try {
      for (const each of groupMembers(id, RUN_MARK, mark)) signalProcess(each, "SIGKILL");
    } catch (error) {
      // Its successor matters more; the end of the mesh looks for what is left.
      log.error({ unit: this.spec.name, err: error }, "what the process left behind cannot be ended");
    }
  }

  /** Leaves the process running and forgets it: the supervisor goes, the mesh stays. */
  release(): void {
    this.#wanted = false;
    this.#released = true;
    this.#child?.unref();
    this.#stop.abort();
  }
}

function started(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", reject);
  });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
