import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { backoff, sleep } from "@xebec/core-async";
import { logger } from "@xebec/core-log";
import {
  groupMembers,
  INSTANCE_MARK,
  isRunning,
  markedProcesses,
  otherProcessEnd,
  type PortHolder,
  type ProcessId,
  portHolder,
  processesMarked,
  processOf,
  RUN_MARK,
  signalGroup,
  signalProcess,
  UNIT_MARK,
} from "@xebec/platform-process";
import { chooseProcess, mainProcessesOf, type UnitProcess, type UnitRecord } from "./unit-processes.ts";

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
  /** The mark, `[NAME, VALUE]`, of all processes that may hold its ports; that of the unit when left out. */
  readonly portMark?: readonly [string, string];
}

/** What is known of a unit before its first start here. */
export interface UnitBefore extends UnitRecord {
  /** Its processes that were found by their marks, the oldest first; they are looked for when this is left out. */
  readonly found?: readonly UnitProcess[];
}

const BACKOFF = { baseMs: 100, maxMs: 10_000 };
/** A process that ran for so long has not failed at its start: the next restart is quick again. */
const STABLE_MS = 5_000;

/**
 * One process that is kept running: started as a session of its own that writes straight to its log file, so that it outlives
 * the supervisor; adopted when a new supervisor finds it, by its id or by its marks; started again when it ends. The supervisor
 * may end between any two steps of that: what shall be started is written down before, and before every start the processes
 * that carry the unit's mark are looked for, so that there are never two.
 */
export class Unit {
  readonly spec: UnitSpec;
  readonly #changed: () => Promise<void> | void;
  #id: ProcessId | undefined;
  #instance: string | undefined;
  #before: UnitBefore | undefined;
  #between: Promise<void> | undefined;
  #holds: { readonly id: ProcessId; readonly addresses: Set<string> } | undefined;
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

  /** @param changed writes the unit's record down; a start waits for it */
  constructor(spec: UnitSpec, changed: () => Promise<void> | void) {
    this.spec = spec;
    this.#changed = changed;
  }

  /** The process while it runs. */
  get id(): ProcessId | undefined {
    return this.#id;
  }

  /** What a next supervisor has to know of it. */
  get record(): UnitRecord {
    if (this.#id) return { process: { ...this.#id, instance: this.#instance } };
    return this.#instance === undefined ? {} : { starting: this.#instance };
  }

  /** Starts it, or adopts the process that an earlier supervisor started. */
  start(before: UnitBefore = {}): void {
    this.#wanted = true;
    if (!this.#loop) {
      this.#before = before;
      if (before.process && this.#runs(before.process)) this.#adopt(before.process);
      this.#loop = this.#keep();
    }
  }

  /** Takes over what still runs of it, only to end it. */
  adopt({ found, ...record }: UnitBefore): void {
    const run = this.spec.env[RUN_MARK];
    const chosen = chooseProcess(found ?? (run === undefined ? [] : mainProcessesOf(run, this.spec.name)), record);
    if (chosen) this.#adopt(chosen);
  }

  /** From now on it is not started again when it ends. */
  retire(): void {
    this.#wanted = false;
  }

  /**
   * Ends its process, so that another one is started: asks, waits, then insists.
   * @param between is waited for before the next start
   */
  async restart(graceMs: number, between?: () => Promise<void>): Promise<void> {
    const id = this.#id;
    if (!id) return;
    const ended = this.#ask(id, graceMs).then(between);
    this.#between = ended.catch((error: unknown) =>
      log.error({ err: error, unit: this.spec.name }, "what had to be done before the next start has failed"),
    );
    await ended;
  }

  async #ask(id: ProcessId, graceMs: number): Promise<void> {
    signalGroup(id, "SIGTERM");
    const until = performance.now() + graceMs;
    while (isRunning(id) && performance.now() < until) await sleep(20);
    signalGroup(id, "SIGKILL");
    while (isRunning(id)) await sleep(5);
  }

  #adopt({ pid, startTime, instance }: UnitProcess): void {
    this.#id = { pid, startTime };
    this.#instance = instance;
    this.problem = "";
    this.startedAt = new Date();
    log.info({ unit: this.spec.name, pid }, "adopted");
  }

  async #keep(): Promise<void> {
    for (let attempt = 0; this.#wanted; ) {
      const since = performance.now();
      this.#starting = this.#begin();
      await this.#starting;
      await this.#over();
      if (this.#released) return;
      if (this.#id && !this.spec.leavesChildren) this.#endRest(this.#id);
      if (this.#id) this.#before = this.record;
      this.#id = undefined;
      this.#instance = undefined;
      void this.#changed();
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
    if (this.#id)
      await otherProcessEnd(this.#id, this.#released ? AbortSignal.abort() : this.#stop.signal, (id) => this.#runs(id));
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

  /** Finds its process or starts one; ends any other one that is of this unit as well. */
  async #begin(): Promise<void> {
    const { name, env } = this.spec;
    const { found: known, ...record } = this.#before ?? {};
    this.#before = undefined;
    const run = env[RUN_MARK];
    try {
      const found = known ?? (run === undefined ? [] : mainProcessesOf(run, name));
      if (!this.#id) {
        const chosen = chooseProcess(found, record);
        if (chosen) this.#adopt(chosen);
      }
      // What the unit's own process has started, and put into a session of its own, is of the same instance.
      for (const other of found)
        if (other.pid !== this.#id?.pid && other.instance !== this.#instance) this.#endSecond(other);
    } catch (error) {
      // Without a look at what runs a second process might be started.
      this.#before = { ...(known && { found: known }), ...record };
      this.problem = `cannot be started: ${(error as Error).message}`;
      log.error({ unit: name, err: error }, "it cannot be told whether the process runs already");
      return;
    }
    if (this.#id) {
      await this.#changed();
      return;
    }
    await this.#between;
    this.#between = undefined;
    this.#instance = randomUUID();
    await this.#changed();
    if (this.#wanted) await this.#spawn(this.#instance);
  }

  /** Ends a process that an earlier supervisor has started for this unit beside the one that goes on. */
  #endSecond(other: UnitProcess): void {
    log.warn({ unit: this.spec.name, pid: other.pid, keeps: this.#id?.pid }, "a second process of the unit is ended");
    signalProcess(other, "SIGKILL");
    if (other.instance === undefined || this.spec.leavesChildren) return;
    for (const each of processesMarked(INSTANCE_MARK, other.instance)) signalProcess(each, "SIGKILL");
  }

  /**
   * Whether an address is held by this unit's own processes, and not by somebody else's who came first. Once it is, it is for as
   * long as the process lives.
   */
  holder(host: string, port: number): PortHolder {
    const id = this.#id;
    const address = `${host}:${port}`;
    if (!id) return "nobody";
    if (this.#holds?.id !== id) this.#holds = { id, addresses: new Set() };
    if (this.#holds.addresses.has(address)) return "own";
    const [name, value] = this.spec.portMark ?? [UNIT_MARK, this.spec.name];
    const run = this.spec.env[RUN_MARK];
    const own = markedProcesses(name, value).filter((each) => each.mark(RUN_MARK) === run);
    // One that an older version has started has no mark of its unit.
    const holder = portHolder(host, port, new Set([id.pid, ...own.map(({ pid }) => pid)]));
    if (holder === "own") this.#holds.addresses.add(address);
    return holder;
  }

  async #spawn(instance: string): Promise<void> {
    const { name, command, env, cwd, logFile } = this.spec;
    const [file, ...args] = command;
    let out: number | undefined;
    let child: ChildProcess | undefined;
    try {
      mkdirSync(dirname(logFile), { recursive: true, mode: 0o700 });
      // A pipe would die with its reader; a file does not.
      out = openSync(logFile, "a", 0o600);
      child = spawn(file, args, {
        cwd,
        env: { ...env, [UNIT_MARK]: name, [INSTANCE_MARK]: instance },
        detached: true,
        stdio: ["ignore", out, out],
      });
      this.#child = child;
      await started(child);
      child.unref();
      this.#id = child.pid === undefined ? undefined : processOf(child.pid);
      this.problem = "";
      this.startedAt = new Date();
      void this.#changed();
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
      await this.#ask(id, graceMs);
      this.#endRest(id);
    }
    this.#stop.abort();
    await this.#loop;
  }

  /** What the first process has left behind: in its group, or wherever its own processes have put themselves. */
  #endRest(id: ProcessId): void {
    const mark = this.spec.env[RUN_MARK];
    if (mark === undefined) return;
    try {
      const own = this.#instance === undefined ? [] : processesMarked(INSTANCE_MARK, this.#instance);
      for (const each of [...own, ...groupMembers(id, RUN_MARK, mark)]) signalProcess(each, "SIGKILL");
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
