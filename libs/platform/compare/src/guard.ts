import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

/**
 * Starts a process that ends all meshes of a folder, and removes the folder, when this process is gone, however it went: it learns of
 * that from a pipe, which the system closes.
 * @param command what `xebec` is started with; `compare --guard FOLDER` of it is the guard
 * @returns ends the guard's work: it removes the folder
 */
export function startGuard(command: readonly string[], folder: string): () => Promise<void> {
  const [program = process.execPath, ...rest] = command;
  const guard = spawn(program, [...rest, "compare", "--guard", folder], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  guard.unref();
  // A guard that has died is no reason to stop; then nobody cleans up after a SIGKILL.
  guard.on("error", () => {});
  guard.stdin?.on("error", () => {});
  return async () => {
    const ended = once(guard, "exit");
    guard.ref();
    guard.stdin?.end();
    if (guard.exitCode === null && guard.signalCode === null) await ended;
  };
}

/** The guard itself. @param input is read to its end */
export async function guard(command: readonly string[], folder: string, input: NodeJS.ReadableStream): Promise<void> {
  // It outlives the terminal, whose signals are meant for the comparison.
  for (const signal of ["SIGINT", "SIGHUP", "SIGTERM"] as const) process.on(signal, () => {});
  input.resume();
  await once(input, "end");
  if (!existsSync(folder)) return;
  const [program = process.execPath, ...rest] = command;
  for (const name of readdirSync(folder)) {
    const child: ChildProcess = spawn(program, [...rest, "down"], {
      stdio: "ignore",
      env: { ...process.env, XEBEC_HOME: join(folder, name) },
    });
    await once(child, "exit");
  }
  rmSync(folder, { recursive: true, force: true });
}
