import { createHash } from "node:crypto";
import { accessSync, constants, readFileSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { XebecError } from "@xebec/core-errors";

const PROGRAMS = {
  envoy: { variable: "XEBEC_ENVOY", path: "envoy/_bin/envoy" },
  "nats-server": { variable: "XEBEC_NATS_SERVER", path: "bin/nats-server" },
} as const;

/** A program that the mesh runs and does not bring along. */
export type ProgramName = keyof typeof PROGRAMS;

export interface ProgramPlaces {
  /** The working copy's root, whose `.tools` `npm run setup` fills; anywhere else has none. */
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Finds a program: its environment variable (XEBEC_ENVOY, XEBEC_NATS_SERVER), then PATH, then what `npm run setup` installed.
 * @returns its path
 * @throws XebecError failed_precondition that says how to get it; internal when the working copy cannot be read
 */
export function findProgram(name: ProgramName, { root, env }: ProgramPlaces): string {
  const { variable, path } = PROGRAMS[name];
  const given = env[variable];
  if (given) {
    if (isExecutable(given)) return resolve(given);
    throw new XebecError("failed_precondition", `${variable}=${given} is not a program; correct it or leave it out`);
  }
  const folders = (env.PATH ?? "").split(delimiter).filter(Boolean);
  const onPath = folders.map((folder) => join(folder, name)).find(isExecutable);
  if (onPath) return onPath;
  const tools = toolsFolder(root);
  const installed = tools && join(tools, path);
  if (installed && isExecutable(installed)) return installed;
  throw new XebecError(
    "failed_precondition",
    `${name} is not installed; run "npm run setup", or set ${variable} to its path`,
  );
}

/** Where `scripts/setup.mjs` installs for the requirements of now. @returns undefined outside of a working copy */
function toolsFolder(root: string): string | undefined {
  const file = join(root, "scripts/requirements.txt");
  try {
    const key = createHash("sha256").update(readFileSync(file)).digest("hex").slice(0, 12);
    return join(root, ".tools", key);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new XebecError("internal", `${file} cannot be read`, { cause: error });
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // whatever the reason, it cannot be run from here
  }
}
