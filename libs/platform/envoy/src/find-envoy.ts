import { createHash } from "node:crypto";
import { accessSync, constants, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { XebecError } from "@xebec/core-errors";

const ROOT = join(import.meta.dirname, "../../../..");

/**
 * Finds the Envoy program: XEBEC_ENVOY, then PATH, then what `npm run setup` put into `.tools`.
 * @throws XebecError not_found that says how to get it
 */
export function findEnvoy(env: Readonly<Record<string, string | undefined>>): string {
  if (env.XEBEC_ENVOY) return env.XEBEC_ENVOY;
  const folders = (env.PATH ?? "").split(delimiter).filter(Boolean);
  const found = [...folders.map((folder) => join(folder, "envoy")), ...setUp()].find(isExecutable);
  if (found) return found;
  throw new XebecError("not_found", 'Envoy is not installed; run "npm run setup", or set XEBEC_ENVOY to its path');
}

// Outside of a working copy there is no such file, and so no such place.
function setUp(): string[] {
  try {
    const requirements = readFileSync(join(ROOT, "scripts/requirements.txt"));
    const key = createHash("sha256").update(requirements).digest("hex").slice(0, 12);
    return [join(ROOT, ".tools", key, "envoy/_bin/envoy")];
  } catch {
    return [];
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
