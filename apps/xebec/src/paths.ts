import { join, resolve } from "node:path";

/** The repository's root: the directory that has `apps`. */
export const ROOT = resolve(import.meta.dirname, "../../..");

/** The directory of everything that runs: `$XEBEC_HOME`, or `.run` of the repository. */
export function runDirectory(): string {
  return resolve(process.env.XEBEC_HOME ?? join(ROOT, ".run"));
}

export function controlSocket(runDir: string): string {
  return join(runDir, "control.sock");
}
