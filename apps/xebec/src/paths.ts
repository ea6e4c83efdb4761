import { createHash } from "node:crypto";
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { XebecError } from "@xebec/core-errors";

/** The repository's root: the directory that has `apps`. */
export const ROOT = resolve(import.meta.dirname, "../../..");

/** The directory of everything that runs: `$XEBEC_HOME`, or `.run` of the repository. */
export function runDirectory(): string {
  return resolve(process.env.XEBEC_HOME ?? join(ROOT, ".run"));
}

export function controlSocket(runDir: string): string {
  return join(runDir, "control.sock");
}

const TOOLS = {
  envoy: ["XEBEC_ENVOY", "envoy/_bin/envoy"],
  "nats-server": ["XEBEC_NATS_SERVER", "bin/nats-server"],
} as const;

/**
 * Finds a program that the mesh runs: its environment variable, PATH, then what `npm run setup` installed.
 * @throws XebecError failed_precondition that says how to get it
 */
export function findProgram(name: keyof typeof TOOLS): string {
  const [variable, path] = TOOLS[name];
  const given = process.env[variable];
  if (given) {
    if (isExecutable(given)) return resolve(given);
    throw new XebecError("failed_precondition", `${variable}=${given} is no program; correct it or leave it out`);
  }
  const requirements = join(ROOT, "scripts/requirements.txt");
  const key = existsSync(requirements)
    ? createHash("sha256").update(readFileSync(requirements)).digest("hex").slice(0, 12)
    : "";
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  const found = [...folders.map((folder) => join(folder, name)), join(ROOT, ".tools", key, path)].find(isExecutable);
  if (found) return found;
  throw new XebecError(
    "failed_precondition",
    `${name} is not installed; run "npm run setup", or set ${variable} to its path`,
  );
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
