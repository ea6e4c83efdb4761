import { spawn } from "node:child_process";
import { XebecError } from "@xebec/core-errors";

/**
 * Runs a program of the host to its end.
 * @param input its standard input
 * @returns its standard output
 * @throws XebecError unavailable with what it said
 */
export function run(file: string, args: readonly string[], input?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ["pipe", "pipe", "pipe"] });
    const out: Buffer[] = [];
    let said = "";
    child.stdout.on("data", (bytes: Buffer) => out.push(bytes));
    child.stderr.on("data", (bytes: Buffer) => {
      said = (said + bytes).slice(-2_000);
    });
    child.once("error", (error) =>
      reject(new XebecError("failed_precondition", `${file} cannot be started: ${error.message}`, { cause: error })),
    );
    child.once("close", (code, signal) => {
      if (code === 0) resolve(Buffer.concat(out).toString());
      else
        reject(
          new XebecError("unavailable", `${[file, ...args].join(" ")}: ${signal ?? `exit ${code}`}: ${said.trim()}`),
        );
    });
    // A program that ends without reading everything has its own reasons, which its exit code states.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}
