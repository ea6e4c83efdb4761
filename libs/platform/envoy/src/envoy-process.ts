import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, openSync, readFileSync } from "node:fs";
import { unlink } from "node:fs/promises";
import { backoff, sleep } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import type { Metrics } from "@xebec/core-metrics";
import { writeFileAtomic } from "@xebec/platform-files";
import { isRunning, type ProcessId, processOf, signalProcess } from "@xebec/platform-process";
import type { EnvoyAdmin } from "./envoy-admin.ts";

export interface EnvoyProcessOptions {
  /** The Envoy program. */
  readonly program: string;
  /** Arguments without the bootstrap. */
  readonly args: readonly string[];
  /** The bootstrap in proto3 JSON, and where to write it. */
  readonly bootstrap: Readonly<Record<string, unknown>>;
  readonly bootstrapFile: string;
  /** Where the process id is kept for the next agent. */
  readonly pidFile: string;
  /** Where its output goes; absent: to the agent's own output. */
  readonly logFile?: string | undefined;
  readonly nodeId: string;
  readonly admin: EnvoyAdmin;
  /** How long connections may end by themselves before Envoy is ended, in milliseconds. */
  readonly drainMs: number;
  /** Ends the drain early when no client is connected any more. */
  readonly exitOnZeroConnections: boolean;
  /** Query of /drain_listeners. */
  readonly drainQuery: string;
  readonly metrics: Metrics;
}

export interface EnvoyProcess extends Component {
  readonly pid: number | undefined;
  /** True from the moment on when Envoy is being ended. */
  readonly draining: boolean;
}

const log = logger("envoy");
const RESTART = { baseMs: 100, maxMs: 5_000 };
const POLL_MS = 50;
/** An Envoy that ran for so long did not fail at its start. */
const STABLE_MS = 10_000;
/** How long an Envoy that was found may take to answer, in milliseconds. */
const ADOPT_MS = 5_000;
const KILL_MS = 3_000;

interface Kept extends ProcessId {
  readonly nodeId: string;
  /** SHA-256 of bootstrap and arguments. */
  readonly hash: string;
}

/**
 * Keeps an Envoy running. Envoy has a process group of its own and does not end with the agent; the next agent finds it by its
 * pid file and takes it over when it is the same process, node and bootstrap, else ends it and starts another. An Envoy that
 * dies is started again. `close` drains it, then ends it.
 */
export function createEnvoyProcess(options: EnvoyProcessOptions): EnvoyProcess {
  return new Supervised(options);
}

class Supervised implements EnvoyProcess {
  readonly name = "Envoy";
  readonly #options: EnvoyProcessOptions;
  readonly #text: string;
  readonly #hash: string;
  readonly #restarts;
  readonly #stop = new AbortController();
  #id: ProcessId | undefined;
  #loop: Promise<void> | undefined;
  #live = false;
  draining = false;

  constructor(options: EnvoyProcessOptions) {
    this.#options = options;
    this.#text = `${JSON.stringify(options.bootstrap, undefined, 2)}\n`;
    this.#hash = createHash("sha256")
      .update(this.#text)
      .update(JSON.stringify([options.program, options.args]))
      .digest("hex");
    this.#restarts = options.metrics.counter(
      "xebec_agent_envoy_starts_total",
      "How often Envoy was started or adopted.",
      ["how"],
    );
  }

  get pid(): number | undefined {
    return this.#id?.pid;
  }

  async start(): Promise<void> {
    await writeFileAtomic(this.#options.bootstrapFile, this.#text, { mode: 0o600 });
    this.#id = await this.#adopt();
    if (this.#id) this.#restarts.inc({ how: "adopted" });
    else await this.#spawn();
    this.#loop = this.#keep();
  }

  missing(): readonly string[] {
    if (this.draining) return ["Envoy is draining"];
    return this.#live ? [] : [this.#id ? "Envoy has not all of its configuration yet" : "Envoy does not run"];
  }

  async close(): Promise<void> {
    this.draining = true;
    const id = this.#id;
    if (id && isRunning(id)) await this.#drain(id);
    this.#stop.abort();
    await this.#loop;
    if (id) await this.#end(id);
    await removeFile(this.#options.pidFile);
  }

  async #keep(): Promise<void> {
    let failures = 0;
    let asked = 0;
    let since = performance.now();
    while (!this.#stop.signal.aborted) {
      if (this.#id && isRunning(this.#id)) {
        if (performance.now() - asked > (this.#live ? 1_000 : POLL_MS)) {
          this.#live = await this.#isLive();
          asked = performance.now();
        }
        await sleep(POLL_MS, this.#stop.signal);
        continue;
      }
      this.#id = undefined;
      this.#live = false;
      if (this.draining) return;
      failures = performance.now() - since > STABLE_MS ? 0 : failures + 1;
      const pause = failures === 0 ? 0 : backoff(failures - 1, RESTART);
      log.error({ pause: Math.round(pause) }, "Envoy has ended; it is started again");
      await sleep(pause, this.#stop.signal);
      if (this.#stop.signal.aborted || this.draining) return;
      since = performance.now();
      await this.#spawn().catch((error: unknown) => log.error({ err: error }, "Envoy could not be started"));
    }
  }

  async #isLive(): Promise<boolean> {
    try {
      return await this.#options.admin.live();
    } catch {
      // Not answering is the answer.
      return false;
    }
  }

  async #spawn(): Promise<void> {
    const { program, args, bootstrapFile, logFile, nodeId, pidFile } = this.#options;
    const output = logFile ? openSync(logFile, "a", 0o600) : "inherit";
    try {
      const child = spawn(program, ["-c", bootstrapFile, ...args], {
        detached: true,
        stdio: ["ignore", output, output],
      });
      await new Promise<void>((resolve, reject) => {
        child.once("spawn", resolve);
        child.once("error", (error) =>
          reject(new XebecError("failed_precondition", `${program} cannot be started`, { cause: error })),
        );
      });
      child.unref();
      this.#id = child.pid === undefined ? undefined : processOf(child.pid);
    } finally {
      if (typeof output === "number") closeSync(output);
    }
    if (!this.#id) throw new XebecError("failed_precondition", "Envoy ended at once; its log says why");
    const kept: Kept = { ...this.#id, nodeId, hash: this.#hash };
    await writeFileAtomic(pidFile, `${JSON.stringify(kept)}\n`, { mode: 0o600, sync: false });
    this.#restarts.inc({ how: "started" });
    log.info({ pid: this.#id.pid }, "Envoy was started");
  }

  /** Takes over the Envoy of an earlier agent. */
  async #adopt(): Promise<ProcessId | undefined> {
    const kept = readKept(this.#options.pidFile);
    if (!kept || !isRunning(kept)) return undefined;
    const same = kept.nodeId === this.#options.nodeId && kept.hash === this.#hash;
    if (same && (await this.#answers(kept))) {
      log.info({ pid: kept.pid }, "the Envoy of an earlier agent goes on");
      return { pid: kept.pid, startTime: kept.startTime };
    }
    log.warn({ pid: kept.pid }, "the Envoy of an earlier agent is replaced: its node or bootstrap is another");
    await this.#end(kept);
    return undefined;
  }

  async #answers(id: ProcessId): Promise<boolean> {
    for (const until = performance.now() + ADOPT_MS; performance.now() < until && isRunning(id); ) {
      try {
        return (await this.#options.admin.nodeId()) === this.#options.nodeId;
      } catch {
        // It may only just have been started.
        await sleep(POLL_MS);
      }
    }
    return false;
  }

  async #drain(id: ProcessId): Promise<void> {
    const { admin, drainMs, drainQuery, exitOnZeroConnections } = this.#options;
    try {
      await admin.post("/healthcheck/fail");
      await admin.post(`/drain_listeners?${drainQuery}`);
    } catch (error) {
      log.warn({ err: error }, "Envoy could not be told to drain");
      return;
    }
    for (const until = performance.now() + drainMs; performance.now() < until && isRunning(id); ) {
      await sleep(Math.min(POLL_MS, drainMs));
      if (exitOnZeroConnections && (await this.#connections()) === 0) return;
    }
  }

  async #connections(): Promise<number> {
    try {
      return await this.#options.admin.activeConnections();
    } catch {
      return Number.NaN; // unknown, and so never 0: the drain takes its whole time
    }
  }

  async #end(id: ProcessId): Promise<void> {
    signalProcess(id, "SIGTERM");
    for (const until = performance.now() + KILL_MS; isRunning(id); await sleep(5))
      if (performance.now() > until) signalProcess(id, "SIGKILL");
  }
}

function readKept(path: string): Kept | undefined {
  try {
    const kept = JSON.parse(readFileSync(path, "utf8")) as Kept;
    return Number.isInteger(kept.pid) && kept.pid > 1 && typeof kept.startTime === "string" ? kept : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") log.warn({ err: error, file: path }, "no usable pid file");
    return undefined;
  }
}

async function removeFile(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
