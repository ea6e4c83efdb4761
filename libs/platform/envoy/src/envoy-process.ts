import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, openSync } from "node:fs";
import { backoff, sleep } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import type { Metrics } from "@xebec/core-metrics";
import { removeFile, writeFileAtomic } from "@xebec/platform-files";
import { INSTANCE_ID_ENV, isRunning, PROCESS_NAME_ENV, type ProcessId, processOf } from "@xebec/platform-process";
import { type DrainOptions, drainEnvoy, endEnvoy } from "./envoy-end.ts";
import { readBootstrap, readEnvoyRecord, writeEnvoyRecord } from "./envoy-files.ts";
import { findByConfig, groupListens } from "./proc-search.ts";
import { processEnd } from "./process-end.ts";

export interface EnvoyProcessOptions extends DrainOptions {
  /** The Envoy program. */
  readonly program: string;
  /** Arguments without the bootstrap. */
  readonly args: readonly string[];
  /** The bootstrap in proto3 JSON, once it is known, and where to write it. */
  readonly bootstrap: (signal: AbortSignal) => Promise<Readonly<Record<string, unknown>>>;
  readonly bootstrapFile: string;
  /** Where the process id is recorded for the next agent. */
  readonly pidFile: string;
  /** Where its output goes; absent: to the agent's own output. */
  readonly logFile?: string | undefined;
  readonly nodeId: string;
  readonly metrics: Metrics;
}

export interface EnvoyProcess extends Component {
  readonly pid: number | undefined;
  /** True from the moment on when Envoy is being ended. */
  readonly draining: boolean;
  /** Asks whether Envoy still answers; `missing` says what came of it. Its end is noticed without. */
  look(): Promise<void>;
  /** Tells when what is missing may have changed. @returns takes that back */
  onChange(changed: () => void): () => void;
}

const log = logger("envoy");
const RESTART = { baseMs: 100, maxMs: 5_000 };
const POLL_MS = 50;
/** The longest time that a timer takes. */
const LONGEST_SLEEP_MS = 0x7fff_ffff;
/** An Envoy that ran for so long did not fail at its start. */
const STABLE_MS = 10_000;
/** How long an Envoy that was found may take to answer, in milliseconds. */
const ADOPT_MS = 5_000;

/**
 * Keeps an Envoy running. Envoy has a process group of its own and does not end with the agent; the next agent finds it by its
 * pid file, or by its command line when that is lost, and takes it over when it is the same process, node and bootstrap, else
 * ends it and starts another. An Envoy that dies is started again. `close` drains it, then ends it, also one that is only just
 * being taken over or started.
 */
export function createEnvoyProcess(options: EnvoyProcessOptions): EnvoyProcess {
  return new Supervised(options);
}

class Supervised implements EnvoyProcess {
  readonly name = "Envoy";
  readonly #options: EnvoyProcessOptions;
  #text = "";
  #hash = "";
  readonly #restarts;
  readonly #stop = new AbortController();
  #id: ProcessId | undefined;
  /** The last one that was started here. */
  #child: ChildProcess | undefined;
  #doubt = new AbortController();
  readonly #listeners = new Set<() => void>();
  #starting: Promise<void> | undefined;
  #loop: Promise<void> | undefined;
  #live = false;
  draining = false;

  constructor(options: EnvoyProcessOptions) {
    this.#options = options;
    this.#restarts = options.metrics.counter(
      "xebec_agent_envoy_starts_total",
      "How often Envoy was started or adopted.",
      ["how"],
    );
  }

  onChange(changed: () => void): () => void {
    this.#listeners.add(changed);
    return () => this.#listeners.delete(changed);
  }

  #setLive(live: boolean): void {
    if (live === this.#live) return;
    this.#live = live;
    this.#changed();
  }

  #changed(): void {
    for (const changed of this.#listeners) changed();
  }

  get pid(): number | undefined {
    return this.#id?.pid;
  }

  async start(signal: AbortSignal): Promise<void> {
    if (this.draining || signal.aborted) return;
    this.#starting = this.#begin();
    await this.#starting;
  }

  async #begin(): Promise<void> {
    const { bootstrap, bootstrapFile, program, args } = this.#options;
    this.#text = `${JSON.stringify(await bootstrap(this.#stop.signal), undefined, 2)}\n`;
    this.#hash = createHash("sha256")
      .update(this.#text)
      .update(JSON.stringify([program, args]))
      .digest("hex");
    const before = readBootstrap(bootstrapFile);
    await writeFileAtomic(bootstrapFile, this.#text, { mode: 0o600 });
    if (await this.#adopt(before)) this.#restarts.inc({ how: "adopted" });
    else if (!this.draining) await this.#spawn();
    this.#loop = this.#keep();
  }

  missing(): readonly string[] {
    if (this.draining) return ["Envoy is draining"];
    return this.#live ? [] : [this.#id ? "Envoy has not all of its configuration yet" : "Envoy does not run"];
  }

  async close(): Promise<void> {
    this.draining = true;
    this.#changed();
    this.#stop.abort();
    // What is on its way to an Envoy ends first: nothing may be started behind our back. `start` has reported a failed start.
    await this.#starting?.catch(() => undefined);
    await this.#loop;
    const id = this.#id;
    if (id && isRunning(id)) await drainEnvoy(id, this.#options);
    if (id) await endEnvoy(id);
    const recorded = readEnvoyRecord(this.#options.pidFile);
    if (!recorded || !isRunning(recorded)) await removeFile(this.#options.pidFile);
  }

  async #keep(): Promise<void> {
    let failures = 0;
    let since = performance.now();
    while (!this.#stop.signal.aborted) {
      const id = this.#id;
      if (id) {
        const over = new AbortController();
        const living = this.#followLife(id, AbortSignal.any([over.signal, this.#stop.signal]));
        const child = this.#child?.pid === id.pid ? this.#child : undefined;
        await processEnd(id, child, this.#options.admin.address, this.#stop.signal);
        over.abort();
        await living;
        if (this.#stop.signal.aborted) return;
      }
      this.#id = undefined;
      this.#setLive(false);
      failures = performance.now() - since > STABLE_MS ? 0 : failures + 1;
      const pause = failures === 0 ? 0 : backoff(failures - 1, RESTART);
      log.error({ pause: Math.round(pause) }, "Envoy has ended; it is started again");
      await sleep(pause, this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      since = performance.now();
      await this.#spawn().catch((error: unknown) => log.error({ err: error }, "Envoy could not be started"));
    }
  }

  /** Asks until the first configuration is complete, and again after `look` found that it does not answer any more. */
  async #followLife(id: ProcessId, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#setLive(await this.#isLive(id));
      this.#doubt = new AbortController();
      await sleep(this.#live ? LONGEST_SLEEP_MS : POLL_MS, AbortSignal.any([signal, this.#doubt.signal]));
    }
  }

  async look(): Promise<void> {
    const id = this.#id;
    if (!id || !this.#live || (await this.#isLive(id)) || this.#id !== id) return;
    this.#setLive(false);
    this.#doubt.abort();
  }

  async #isLive(id: ProcessId): Promise<boolean> {
    const { admin } = this.#options;
    try {
      // Another Envoy may have the port, while ours is about to fail for that reason.
      return (await admin.live()) && (this.#live || groupListens(id.pid, admin.address.port) !== false);
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
        // It outlives the agent: whoever looks for the agent's process by its marks must not find Envoy.
        env: { ...process.env, [PROCESS_NAME_ENV]: undefined, [INSTANCE_ID_ENV]: undefined },
        detached: true,
        stdio: ["ignore", output, output],
      });
      this.#child = child;
      // At once: whoever closes from now on has to end it.
      this.#id = child.pid === undefined ? undefined : processOf(child.pid);
      await new Promise<void>((resolve, reject) => {
        child.once("spawn", resolve);
        child.once("error", (error) =>
          reject(new XebecError("failed_precondition", `${program} cannot be started`, { cause: error })),
        );
      });
      child.unref();
    } finally {
      if (typeof output === "number") closeSync(output);
    }
    if (!this.#id) throw new XebecError("failed_precondition", "Envoy ended at once; its log says why");
    await writeEnvoyRecord(pidFile, { ...this.#id, nodeId, hash: this.#hash });
    this.#restarts.inc({ how: "started" });
    log.info({ pid: this.#id.pid }, "Envoy was started");
  }

  /** Takes over the Envoy of an earlier agent, whose bootstrap is given. @returns false when there is none, or it was ended */
  async #adopt(bootstrap: string): Promise<boolean> {
    const found = this.#find(bootstrap);
    if (!found) {
      await this.#reportForeign();
      return false;
    }
    const { pid, startTime, same } = found;
    this.#id = { pid, startTime };
    if (same && (await this.#answers(this.#id))) {
      log.info({ pid }, "the Envoy of an earlier agent goes on");
      await writeEnvoyRecord(this.#options.pidFile, { ...this.#id, nodeId: this.#options.nodeId, hash: this.#hash });
      return true;
    }
    // Whoever closes drains it before it is ended.
    if (this.draining) return true;
    log.warn({ pid }, "the Envoy of an earlier agent is replaced: its node or bootstrap is another");
    await endEnvoy(this.#id);
    this.#id = undefined;
    return false;
  }

  #find(bootstrap: string): (ProcessId & { readonly same: boolean }) | undefined {
    const { pidFile, bootstrapFile, args, nodeId } = this.#options;
    const recorded = readEnvoyRecord(pidFile);
    if (recorded && isRunning(recorded))
      return { ...recorded, same: recorded.nodeId === nodeId && recorded.hash === this.#hash };
    // A pid file can be lost or damaged while Envoy lives; a second one beside it could bind no port.
    const found = findByConfig(bootstrapFile);
    if (!found) return undefined;
    log.warn({ pid: found.pid }, "an Envoy without a usable pid file was found by its command line");
    const command = JSON.stringify(["-c", bootstrapFile, ...args]);
    return { ...found, same: bootstrap === this.#text && JSON.stringify(found.args.slice(1)) === command };
  }

  /** Says who has the admin port, when somebody has: our own Envoy will fail because of it. */
  async #reportForeign(): Promise<void> {
    const { admin } = this.#options;
    try {
      const node = await admin.nodeId();
      log.error(
        { node, port: admin.address.port },
        "another Envoy has the admin port; end it, or choose another proxyAdminPort",
      );
    } catch {
      // Nobody answers, as it should be.
    }
  }

  async #answers(id: ProcessId): Promise<boolean> {
    for (const until = performance.now() + ADOPT_MS; performance.now() < until && isRunning(id) && !this.draining; ) {
      try {
        return (await this.#options.admin.nodeId()) === this.#options.nodeId;
      } catch {
        // It may only just have been started.
        await sleep(POLL_MS, this.#stop.signal);
      }
    }
    return false;
  }
}
