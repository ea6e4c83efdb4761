import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sleep } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import type { Action, Probe } from "@xebec/platform-local/manifest-objects";
import type { Container, ContainerState, ContainerStatus, Pod } from "../api/types.ts";
import type { RunningContainer } from "../runtime/container.ts";
import { tailOf } from "../runtime/container-log.ts";
import { perform } from "./actions.ts";
import { keepProbing, probeSettings } from "./probe.ts";

/** Kubelet's: the second restart waits so long, each further one twice as long, until it has run for ten minutes. */
const BACKOFF_MS = 10_000;
const MOST_BACKOFF_MS = 300_000;
const STABLE_MS = 600_000;
const MOST_MESSAGE = 4_096;
/** Even a container whose time is over may hear SIGTERM. */
const LEAST_GRACE_MS = 2_000;
const PULL_RETRY_MS = 5_000;

/** What a container needs from its pod. */
export interface ContainerHost {
  readonly pod: () => Pod;
  readonly ip: () => string;
  /** The container's own directory. */
  readonly directory: string;
  readonly logFile: (restart: number) => string;
  /** Prepares and starts it. @throws XebecError: not_found for an image, anything else for its configuration */
  readonly launch: (container: Container, restart: number) => Promise<RunningContainer>;
  readonly event: (type: "Normal" | "Warning", reason: string, message: string) => void;
  readonly changed: () => void;
}

/** When a container is started again. */
export type RestartRule = "Always" | "OnFailure" | "Never";

/** One container of a pod through all its restarts. */
export class ContainerWorker {
  readonly container: Container;
  readonly #host: ContainerHost;
  readonly #rule: RestartRule;
  #running: RunningContainer | undefined;
  #waiting: { reason: string; message?: string } = { reason: "PodInitializing" };
  #terminated: ContainerState["terminated"];
  #last: ContainerState = {};
  #imageId = "";
  #started = false;
  #ready = false;
  #probes = new AbortController();
  readonly #stop = new AbortController();
  #loop: Promise<void> | undefined;
  restarts = 0;

  constructor(container: Container, rule: RestartRule, host: ContainerHost) {
    this.container = container;
    this.#rule = rule;
    this.#host = host;
  }

  get running(): RunningContainer | undefined {
    return this.#running;
  }

  /** It has ended and is not started again. */
  get done(): boolean {
    return (
      this.#terminated !== undefined && this.#running === undefined && !this.#willRestart(this.#terminated.exitCode)
    );
  }

  get exitCode(): number | undefined {
    return this.#terminated?.exitCode;
  }

  /** It runs, and its startup probe has succeeded. */
  get started(): boolean {
    return this.#running !== undefined && this.#started;
  }

  get ready(): boolean {
    return this.started && this.#ready;
  }

  get wasStarted(): boolean {
    return this.#running !== undefined || this.#terminated !== undefined || this.restarts > 0;
  }

  waitFor(reason: string, message?: string): void {
    this.#waiting = { reason, ...(message === undefined ? {} : { message }) };
  }

  get status(): ContainerStatus {
    const { name, image = "" } = this.container;
    const running = this.#running;
    const state: ContainerState = running
      ? { running: { startedAt: time(running.startedAt) } }
      : this.#terminated && (this.done || this.#stop.signal.aborted)
        ? { terminated: this.#terminated }
        : { waiting: this.#waiting };
    return {
      name,
      image,
      imageID: this.#imageId,
      state,
      lastState: this.#last,
      restartCount: this.restarts,
      ready: this.ready || (this.done && this.exitCode === 0),
      started: this.started,
      ...(running || this.#terminated ? { containerID: this.#id(running ? this.restarts : this.restarts) } : {}),
    };
  }

  /** The log of the current run, or of the one before. */
  logFile(previous: boolean): string | undefined {
    const number = previous ? this.restarts - 1 : this.restarts;
    const current = number < 0 ? undefined : this.#host.logFile(number);
    if (current === undefined || existsSync(current)) return current;
    // Between two runs the last one is still the current one.
    return previous || number === 0 ? undefined : this.#host.logFile(number - 1);
  }

  /** Starts it and keeps it running as its rule says. @returns resolves when it is over for good, or stopped */
  start(): Promise<void> {
    this.#loop ??= this.#keep();
    return this.#loop;
  }

  async #keep(): Promise<void> {
    const { signal } = this.#stop;
    let delayMs = 0;
    while (!signal.aborted) {
      const running = await this.#launch();
      if (!running) return;
      const exit = await running.ended;
      this.#probes.abort();
      this.#running = undefined;
      this.#started = false;
      this.#ready = false;
      this.#terminated = await this.#end(running, exit.code, exit.signal);
      rmSync(join(this.#host.directory, "root"), { recursive: true, force: true });
      const again = !signal.aborted && this.#willRestart(exit.code);
      const ranMs = Date.now() - running.startedAt.getTime();
      if (ranMs > STABLE_MS) delayMs = 0;
      if (again && delayMs > 0) {
        this.waitFor(
          "CrashLoopBackOff",
          `back-off ${delayMs / 1_000}s restarting failed container=${this.container.name} pod=${this.#host.pod().metadata.name}`,
        );
        this.#host.event("Warning", "BackOff", `Back-off restarting failed container ${this.container.name}`);
      } else if (again) this.waitFor("ContainerCreating");
      this.#last = { terminated: this.#terminated };
      this.#host.changed();
      if (!again) return;
      await sleep(delayMs, signal);
      delayMs = Math.min(MOST_BACKOFF_MS, delayMs === 0 ? BACKOFF_MS : delayMs * 2);
      if (!signal.aborted) this.restarts++;
    }
  }

  #willRestart(code: number): boolean {
    return this.#rule === "Always" || (this.#rule === "OnFailure" && code !== 0);
  }

  /** Tries until it runs. @returns undefined when it was stopped meanwhile, or its postStart hook has failed at once */
  async #launch(): Promise<RunningContainer | undefined> {
    const { signal } = this.#stop;
    const { name } = this.container;
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        const running = await this.#host.launch(this.container, this.restarts);
        if (signal.aborted) {
          await running.stop(0);
          return undefined;
        }
        this.#running = running;
        this.#imageId = running.options.image.id;
        this.#started = this.container.startupProbe === undefined;
        this.#ready = this.#started && this.container.readinessProbe === undefined;
        this.#probes = new AbortController();
        this.#host.event("Normal", "Started", `Started container ${name}`);
        this.#host.changed();
        this.#probe(running, this.#probes.signal);
        return running;
      } catch (error) {
        const known = error instanceof XebecError;
        const message = known ? error.message : String(error);
        const isImage = known && error.code === "not_found";
        // As kubelet: first the error, then the wait before the next try.
        this.waitFor(
          isImage ? (attempt % 2 === 0 ? "ErrImagePull" : "ImagePullBackOff") : "CreateContainerConfigError",
          message,
        );
        if (attempt === 0) this.#host.event("Warning", "Failed", `Error: ${message}`);
        this.#host.changed();
        await sleep(Math.min(isImage ? PULL_RETRY_MS : 1_000, 500 * 2 ** attempt), signal);
      }
    }
    return undefined;
  }

  /** Runs the hook after its start. @returns false when it has failed, and with it the container */
  async postStart(): Promise<boolean> {
    const running = this.#running;
    const hook = this.container.lifecycle?.postStart;
    if (!running || !hook) return true;
    const done = await Promise.race([
      perform(hook, this.container, running, this.#host.ip(), MOST_BACKOFF_MS, this.#probes.signal),
      running.ended.then(() => true),
    ]);
    if (done || this.#stop.signal.aborted) return true;
    this.#host.event("Warning", "FailedPostStartHook", `PostStartHook failed in container ${this.container.name}`);
    await running.stop(this.#graceMs());
    return false;
  }

  #probe(running: RunningContainer, signal: AbortSignal): void {
    const { startupProbe, readinessProbe, livenessProbe } = this.container;
    const ask = (probe: Probe, kind: string) => async (): Promise<boolean> => {
      const good = await perform(
        probe as Action,
        this.container,
        running,
        this.#host.ip(),
        probeSettings(probe).timeoutSeconds * 1_000,
        signal,
      );
      if (!good && !signal.aborted && this.#ready)
        this.#host.event("Warning", "Unhealthy", `${kind} probe failed in container ${this.container.name}`);
      return good;
    };
    const restart = (kind: string, probe: Probe): boolean => {
      this.#host.event("Normal", "Killing", `Container ${this.container.name} failed ${kind} probe, will be restarted`);
      void running.stop((probe.terminationGracePeriodSeconds ?? this.#graceMs() / 1_000) * 1_000);
      return true;
    };
    const others = (): void => {
      if (readinessProbe)
        void keepProbing(
          readinessProbe,
          ask(readinessProbe, "Readiness"),
          (good) => {
            this.#ready = good;
            this.#host.changed();
            return false;
          },
          signal,
        );
      if (livenessProbe)
        void keepProbing(
          livenessProbe,
          ask(livenessProbe, "Liveness"),
          (good) => !good && restart("liveness", livenessProbe),
          signal,
        );
    };
    if (!startupProbe) {
      others();
      return;
    }
    void keepProbing(
      startupProbe,
      ask(startupProbe, "Startup"),
      (good) => {
        if (!good) return restart("startup", startupProbe);
        this.#started = true;
        this.#ready = readinessProbe === undefined;
        this.#host.changed();
        others();
        return true;
      },
      signal,
    );
  }

  #graceMs(): number {
    return (this.#host.pod().spec.terminationGracePeriodSeconds ?? 30) * 1_000;
  }

  /** From now on it is not ready and is not started again; it goes on running. */
  retire(): void {
    this.#stop.abort();
  }

  /**
   * Ends it for good: its hook, then SIGTERM, then SIGKILL.
   * @param until when its time is over, as of `performance.now()`
   */
  async stop(until: number): Promise<void> {
    this.#stop.abort();
    const running = this.#running;
    if (running) {
      const left = (): number => Math.max(0, until - performance.now());
      const hook = this.container.lifecycle?.preStop;
      if (hook && left() > 0) {
        const done = await Promise.race([
          perform(hook, this.container, running, this.#host.ip(), left()),
          running.ended.then(() => true),
        ]);
        if (!done)
          this.#host.event("Warning", "FailedPreStopHook", `PreStopHook failed in container ${this.container.name}`);
      }
      this.#probes.abort();
      await running.stop(Math.max(left(), LEAST_GRACE_MS));
    }
    await this.#loop;
  }

  async #end(
    running: RunningContainer,
    exitCode: number,
    signal: number | undefined,
  ): Promise<ContainerState["terminated"]> {
    const { terminationMessagePolicy } = this.container;
    let message = readMessage(join(this.#host.directory, "termination-log"));
    if (message === "" && terminationMessagePolicy === "FallbackToLogsOnError" && exitCode !== 0)
      message = (await tailOf(running.log.path, 80)).slice(-2_048);
    return {
      exitCode,
      ...(signal === undefined ? {} : { signal }),
      reason: exitCode === 0 ? "Completed" : "Error",
      ...(message === "" ? {} : { message }),
      startedAt: time(running.startedAt),
      finishedAt: time(running.finishedAt ?? new Date()),
      containerID: this.#id(this.restarts),
    };
  }

  #id(restart: number): string {
    return `xebec://${this.#host.pod().metadata.uid}/${this.container.name}/${restart}`;
  }
}

function readMessage(path: string): string {
  if (!existsSync(path)) return "";
  const message = readFileSync(path, "utf8").slice(0, MOST_MESSAGE);
  writeFileSync(path, "");
  return message;
}

/** A time as Kubernetes writes it: whole seconds. */
export function time(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, "Z");
}
