import { createHash } from "node:crypto";
import { accessSync, constants, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { XebecError } from "@xebec/core-errors";

const ROOT = join(import.meta.dirname, "../../../..");

const TOOLS = {
  envoy: { variable: "XEBEC_ENVOY", path: "envoy/_bin/envoy" },
  "nats-server": { variable: "XEBEC_NATS_SERVER", path: "bin/nats-server" },
} as const;

export type ToolName = keyof typeof TOOLS;

/**
 * Finds a program that tests run: the environment variable (XEBEC_ENVOY, XEBEC_NATS_SERVER), then PATH, then the folder that
 * `npm run setup` filled.
 * @throws XebecError not_found that says how to get it
 */
export function findTool(name: ToolName): string {
  const { variable, path } = TOOLS[name];
  const set = process.env[variable];
  if (set) return set;
  const requirements = readFileSync(join(ROOT, "scripts/requirements.txt"));
  const key = createHash("sha256").update(requirements).digest("hex").slice(0, 12);
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  const candidates = [...folders.map((folder) => join(folder, name)), join(ROOT, ".tools", key, path)];
  const found = candidates.find(isExecutable);
  if (found) return found;
  throw new XebecError("not_found", `${name} is not installed; run "npm run setup", or set ${variable} to its path`);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
