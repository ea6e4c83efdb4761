import { type ChildProcess, spawn } from "node:child_process";
import { XebecError } from "@xebec/core-errors";

/** A program that a test started; it is ended by its own process id and never outlives the test run. */
export interface Child {
  readonly pid: number;
  /** The last 64 KiB that it wrote to standard output and standard error. */
  output(): string;
  readonly exited: boolean;
  /** Sends the signal (SIGTERM) and waits for the end; SIGKILL follows after five seconds. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

const running = new Set<ChildProcess>();
let watching = false;

/** Starts a program. It dies with this process. */
export function startChild(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Child {
  if (!watching) {
    watching = true;
    process.on("exit", () => {
      for (const each of running) each.kill("SIGKILL");
    });
  }
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
  running.add(child);
  let text = "";
  const collect = (bytes: Buffer): void => {
    text = (text + bytes.toString()).slice(-65_536);
  };
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  const ended = new Promise<void>((resolve) => {
    const end = (error?: Error): void => {
      if (error) text += error.message;
      running.delete(child);
      resolve();
    };
    child.once("error", end);
    child.once("exit", () => end());
  });
  const gone = (): boolean => child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
  if (child.pid === undefined) throw new XebecError("not_found", `${command} cannot be started`);
  return {
    pid: child.pid,
    output: () => text,
    get exited() {
      return gone();
    },
    async stop(signal = "SIGTERM") {
      if (gone()) return;
      child.kill(signal);
      const late = setTimeout(() => child.kill("SIGKILL"), 5_000);
      await ended;
      clearTimeout(late);
    },
  };
}
