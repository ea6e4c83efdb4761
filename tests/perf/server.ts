import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "@xebec/core-async";
import { appEntry, SERVICE_NODE_FLAGS } from "@xebec/platform-local";

const ROOT = join(import.meta.dirname, "../..");
const TICKS_PER_SECOND = 100;

/** A service as a process of its own, whose processor time and memory are read from /proc. */
export class Server implements AsyncDisposable {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** @param monitoring address of its monitoring port, to know when it is ready, within `readyMs` */
  static async start(
    app: string,
    flags: readonly string[],
    monitoring: string,
    logFile: string,
    readyMs = 180_000,
  ): Promise<Server> {
    return Server.run(app, [appEntry(ROOT, `apps/${app}`), ...flags], monitoring, logFile, readyMs);
  }

  /** The same for any program. @param args its file and arguments */
  static async run(
    app: string,
    args: readonly string[],
    monitoring: string,
    logFile: string,
    readyMs = 180_000,
  ): Promise<Server> {
    const log = openSync(logFile, "a");
    const child = spawn(process.execPath, [...SERVICE_NODE_FLAGS, ...args], {
      stdio: ["ignore", log, log],
    });
    closeSync(log);
    await waitFor(
      `${app} is ready`,
      readyMs,
      async () => {
        if (child.exitCode !== null) throw new Error(readFileSync(logFile, "utf8").slice(-1000));
        return (await fetch(`http://${monitoring}/readyz`)).ok;
      },
      50,
    );
    return new Server(child);
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** User and system time so far, in milliseconds. */
  get cpuMs(): number {
    return cpuMsOf(this.pid);
  }

  /** Resident memory in KiB. */
  get rssKib(): number {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.#child.pid}/status`, "utf8"))?.[1]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGTERM");
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, "exit");
  }
}

/** User and system time of a process so far, in milliseconds. */
export function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND;
}
