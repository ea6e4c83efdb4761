import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { waitFor } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";

export interface PartOptions {
  readonly name: string;
  readonly command: readonly string[];
  readonly logFile: string;
  readonly env: NodeJS.ProcessEnv;
  /** Whether it serves. */
  readonly ready: () => Promise<boolean>;
  readonly readyMs: number;
  /** How long it may take to end before it is killed. */
  readonly graceMs?: number;
}

const TAIL = 2_000;

/** One program of a cluster: it can be ended, stopped and started again, and it dies with the process that started it. */
export class Part {
  readonly name: string;
  readonly #options: PartOptions;
  #child: ChildProcess | undefined;

  constructor(options: PartOptions) {
    this.#options = options;
    this.name = options.name;
  }

  get pid(): number | undefined {
    return this.running ? this.#child?.pid : undefined;
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get logFile(): string {
    return this.#options.logFile;
  }

  /**
   * Starts it, and waits until it serves.
   * @throws XebecError failed_precondition when it ends, deadline_exceeded when it does not serve; with the end of its log
   */
  async start(): Promise<void> {
    const { name, ready, readyMs } = this.#options;
    this.spawn();
    try {
      await waitFor(name, readyMs, async () => !this.running || (await ready()), 50);
    } catch (error) {
      throw new XebecError("deadline_exceeded", `${(error as Error).message}; ${this.#said()}`, { cause: error });
    }
    if (!this.running) throw new XebecError("failed_precondition", `${name} has ended; ${this.#said()}`);
  }

  /** Starts it without waiting. */
  spawn(): void {
    if (this.running) return;
    const { command, logFile, env } = this.#options;
    const log = openSync(logFile, "a", 0o600);
    try {
      // Killed by the kernel when this process ends, however that happens.
      const args = ["--pdeathsig", "KILL", "--", ...command];
      this.#child = spawn("setpriv", args, { stdio: ["ignore", log, log], env });
      this.#child.on("error", () => {}); // a start that fails is seen by `running`
    } finally {
      closeSync(log);
    }
  }

  /** Resolves when it has ended. */
  async ended(): Promise<void> {
    const child = this.#child;
    if (this.running && child) await new Promise((resolve) => child.once("exit", resolve));
  }

  /** Sends it a signal: SIGSTOP and SIGCONT make it hang for a while. */
  signal(signal: NodeJS.Signals): void {
    if (this.running) this.#child?.kill(signal);
  }

  /** Ends it: SIGTERM, then SIGKILL. @param signal SIGKILL: at once */
  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    if (!this.running) return;
    // One that hangs hears nothing but SIGKILL.
    this.signal(signal);
    this.signal("SIGCONT");
    const late = setTimeout(() => this.signal("SIGKILL"), this.#options.graceMs ?? 5_000);
    await this.ended();
    clearTimeout(late);
  }

  #said(): string {
    return `${this.logFile} ends with: ${readFileSync(this.logFile, "utf8").slice(-TAIL).trim()}`;
  }
}
