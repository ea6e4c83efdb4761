import type { ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { backoff, sleep } from "@xebec/core-async";
import { logger } from "@xebec/core-log";
import {
  isRunning,
  otherProcessEnd,
  type PortHolder,
  type ProcessId,
  processOf,
  RUN_ID_ENV,
} from "@xebec/platform-process";
import { endDuplicate, endLeftovers, terminateGroup } from "./end-process.ts";
import { chooseProcess, type MainProcess, mainProcessesOf, type ProcessRecord } from "./main-processes.ts";
import { PortOwnership } from "./port-ownership.ts";
import type { ProcessBefore, ProcessSpec } from "./process-spec.ts";
import { spawnProcess } from "./spawn-process.ts";

const log = logger("local");

const BACKOFF = { baseMs: 100, maxMs: 10_000 };
/** A process that ran for so long has not failed at its start: the next restart is quick again. */
const STABLE_MS = 5_000;

/**
 * One process that is kept running: started as a session of its own that writes straight to its log file, so that it outlives
 * the supervisor; adopted when a new supervisor finds it, by its id or by its environment; started again when it ends. The supervisor
 * may end between any two steps of that: what shall be started is written down before, and before every start the processes
 * with its name in their environment are looked for, so that there are never two.
 */
export class ManagedProcess {
  spec: ProcessSpec;
  readonly #changed: () => Promise<void> | void;
  #id: ProcessId | undefined;
  #instance: string | undefined;
  #before: ProcessBefore | undefined;
  #between: Promise<void> | undefined;
  readonly #ports: PortOwnership;
  #child: ChildProcess | undefined;
  #keepsRunning = false;
  #released = false;
  #loop: Promise<void> | undefined;
  #starting: Promise<void> | undefined;
  readonly #stop = new AbortController();
  restarts = 0;
  /** Why it could not be started. */
  problem = "";
  startedAt: Date | undefined;

  /** @param changed writes the process's record down; a start waits for it */
  constructor(spec: ProcessSpec, changed: () => Promise<void> | void) {
    this.spec = spec;
    this.#ports = new PortOwnership(spec);
    this.#changed = changed;
  }

  /** The process while it runs. */
  get id(): ProcessId | undefined {
    return this.#id;
  }

  /** What a next supervisor has to know of it. */
  get record(): ProcessRecord {
    if (this.#id) return { process: { ...this.#id, instance: this.#instance } };
    return this.#instance === undefined ? {} : { starting: this.#instance };
  }

  /** Starts it, or adopts the process that an earlier supervisor started. */
  start(before: ProcessBefore = {}): void {
    this.#keepsRunning = true;
    if (!this.#loop) {
      this.#before = before;
      if (before.process && this.#runs(before.process)) this.#adopt(before.process);
      this.#loop = this.#keep();
    }
  }

  /** Takes over what still runs of it, only to end it. */
  adopt({ found, ...record }: ProcessBefore): void {
    const run = this.spec.env[RUN_ID_ENV];
    const chosen = chooseProcess(found ?? (run === undefined ? [] : mainProcessesOf(run, this.spec.name)), record);
    if (chosen) this.#adopt(chosen);
  }

  /** From now on it is not started again when it ends. */
  retire(): void {
    this.#keepsRunning = false;
  }

  /**
   * Ends its process, so that another one is started: asks, waits, then insists.
   * @param between is waited for before the next start
   */
  async restart(graceMs: number, between?: () => Promise<void>): Promise<void> {
    const id = this.#id;
    if (!id) return;
    const ended = terminateGroup(id, graceMs).then(between);
    this.#between = ended.catch((error: unknown) =>
      log.error({ err: error, process: this.spec.name }, "what had to be done before the next start has failed"),
    );
    await ended;
  }

  /** Runs another program under the same name: ends its process as `restart` does. */
  async replace(spec: ProcessSpec, graceMs: number): Promise<void> {
    this.spec = spec;
    await this.restart(graceMs);
  }

  #adopt({ pid, startTime, instance }: MainProcess): void {
    this.#id = { pid, startTime };
    this.#instance = instance;
    this.problem = "";
    this.startedAt = new Date();
    log.info({ process: this.spec.name, pid }, "adopted");
  }

  async #keep(): Promise<void> {
    for (let attempt = 0; this.#keepsRunning; ) {
      const since = performance.now();
      this.#starting = this.#begin();
      await this.#starting;
      await this.#over();
      if (this.#released) return;
      if (this.#id && !this.spec.leavesChildren) endLeftovers(this.spec, this.#id, this.#instance);
      if (this.#id) this.#before = this.record;
      this.#id = undefined;
      this.#instance = undefined;
      void this.#changed();
      if (!this.#keepsRunning) return;
      attempt = performance.now() - since > STABLE_MS ? 0 : attempt + 1;
      this.restarts++;
      const delay = attempt === 0 ? 0 : backoff(attempt - 1, BACKOFF);
      log.warn(
        { process: this.spec.name, restarts: this.restarts, delay: Math.round(delay) },
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
    // There is no event for a process that an earlier supervisor started.
    if (this.#id)
      await otherProcessEnd(this.#id, this.#released ? AbortSignal.abort() : this.#stop.signal, (id) => this.#runs(id));
  }

  /** A process that cannot be looked at goes on as far as anyone knows: a second one must not be started beside it. */
  #runs(id: ProcessId): boolean {
    try {
      return isRunning(id);
    } catch (error) {
      log.warn({ process: this.spec.name, err: error }, "it is unknown whether the process runs");
      return true;
    }
  }

  /** Finds its process or starts one; ends any other one that was started for the same name. */
  async #begin(): Promise<void> {
    const { name, env } = this.spec;
    const { found: known, ...record } = this.#before ?? {};
    this.#before = undefined;
    const run = env[RUN_ID_ENV];
    try {
      const found = known ?? (run === undefined ? [] : mainProcessesOf(run, name));
      if (!this.#id) {
        const chosen = chooseProcess(found, record);
        if (chosen) this.#adopt(chosen);
      }
      // What its own process has started, and put into a session of its own, is of the same instance.
      for (const other of found)
        if (other.pid !== this.#id?.pid && other.instance !== this.#instance)
          endDuplicate(this.spec, other, this.#id?.pid);
    } catch (error) {
      // Without a look at what runs a second process might be started.
      this.#before = { ...(known && { found: known }), ...record };
      this.problem = `cannot be started: ${(error as Error).message}`;
      log.error({ process: name, err: error }, "it is unknown whether the process runs already");
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
    if (this.#keepsRunning) await this.#spawn(this.#instance);
  }

  /** Whether an address is held by its own processes, and not by somebody else's who came first. */
  holder(host: string, port: number): PortHolder {
    return this.#id ? this.#ports.holder(this.#id, host, port) : "nobody";
  }

  async #spawn(instance: string): Promise<void> {
    try {
      this.#child = await spawnProcess(this.spec, instance);
      const { pid } = this.#child;
      this.#id = pid === undefined ? undefined : processOf(pid);
      this.problem = "";
      this.startedAt = new Date();
      void this.#changed();
    } catch (error) {
      // A full disk or a missing program may be cured while the mesh runs: it is tried again.
      this.#child?.kill("SIGKILL"); // it was started, but cannot be looked after
      this.problem = `cannot be started: ${(error as Error).message}`;
      log.error({ process: this.spec.name, err: error }, "the process cannot be started");
    }
  }

  /** Ends its whole group: asks, waits, then insists. It is not started again. */
  async end(graceMs: number): Promise<void> {
    this.#keepsRunning = false;
    // A start that is under way is let through, so that what it starts can be ended.
    await this.#starting;
    const id = this.#id;
    if (id) {
      await terminateGroup(id, graceMs);
      endLeftovers(this.spec, id, this.#instance);
    }
    this.#stop.abort();
    await this.#loop;
  }

  /** Leaves the process running and forgets it: the supervisor goes, the mesh stays. */
  release(): void {
    this.#keepsRunning = false;
    this.#released = true;
    this.#child?.unref();
    this.#stop.abort();
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
