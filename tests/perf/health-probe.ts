import { Worker } from "node:worker_threads";

/** Whose health is asked for, and where: a path over TCP, or over a Unix socket. */
export interface ProbedProcess {
  readonly pid: number;
  readonly target: { readonly path: string } & (
    | { readonly host: string; readonly port: number }
    | { readonly socketPath: string }
  );
}

/** The longest health check of a process. All times are in milliseconds. */
export interface LongestCheck {
  /** From the question to the answer. */
  readonly totalMs: number;
  /** For how long the process computed meanwhile. */
  readonly ownMs: number;
  /** For how long it was ready to compute, and another process had the core (proc(5): schedstat). */
  readonly queuedMs: number;
}

/** Asks processes for their health again and again, in a thread of its own: what the benchmark itself does must not count. */
export class HealthProbes {
  readonly #worker = new Worker(new URL("health-probe.worker.ts", import.meta.url));

  /** @param processes by their names */
  constructor(processes: ReadonlyMap<string, ProbedProcess>) {
    this.#worker.postMessage(processes);
  }

  /** The longest check of each process since the last call. */
  async take(): Promise<ReadonlyMap<string, LongestCheck>> {
    return new Promise((resolve, reject) => {
      this.#worker.once("message", resolve).once("error", reject);
      this.#worker.postMessage("take");
    });
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}
