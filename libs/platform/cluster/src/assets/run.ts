import { spawn } from "node:child_process";
import { XebecError } from "@xebec/core-errors";

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Its standard input. */
  readonly input?: string;
  /** Called with each line of its standard error. */
  readonly line?: (line: string) => void;
}

/**
 * Runs a program to its end.
 * @returns its standard output
 * @throws XebecError unavailable with the end of what it said; failed_precondition when there is no such program
 */
export function runProgram(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"], cwd: options.cwd, env: options.env });
    const out: Buffer[] = [];
    let rest = "";
    let last = "";
    child.stdout.on("data", (bytes: Buffer) => out.push(bytes));
    child.stderr.on("data", (bytes: Buffer) => {
      last = (last + bytes).slice(-4_000);
      const lines = (rest + bytes).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) options.line?.(line);
    });
    child.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        error.code === "ENOENT"
          ? new XebecError("failed_precondition", `${command} is not installed`)
          : new XebecError("unavailable", `${command} cannot be started: ${error.message}`, { cause: error }),
      ),
    );
    child.stdin.on("error", () => {}); // one that ends without reading has its own reasons
    child.stdin.end(options.input);
    child.once("close", (code, signal) => {
      if (code === 0) resolve(Buffer.concat(out).toString());
      else {
        const words = [command, ...args].join(" ").slice(0, 120);
        reject(
          new XebecError("unavailable", `${words}: ${signal ?? `exit ${code}`}: ${last.trim().slice(-800)}`, {
            detail: last,
          }),
        );
      }
    });
  });
}
