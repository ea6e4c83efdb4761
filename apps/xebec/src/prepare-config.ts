import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { isXebecError, XebecError } from "@xebec/core-errors";
import { ManifestText, readManifests, readText } from "./config-files.ts";
import { loadOptions } from "./mesh-options.ts";
import { ROOT } from "./paths.ts";

const SAMPLE = join(ROOT, "deploy/samples/bookinfo");
const FIRST_FILES = [
  "platform/bookinfo.yaml",
  "platform/ingress-gateway.yaml",
  "networking/bookinfo-gateway.yaml",
  "networking/destination-rule-all.yaml",
  "telemetry/metrics.yaml",
];

/**
 * The directory of the configuration. The default one is filled with the Bookinfo sample when it is empty, and also when no
 * mesh has run here yet and nothing in it would run: somebody has applied rules before the first `up`. Objects that are there
 * stay. A directory that a user names must exist and is used as it is.
 * @throws XebecError failed_precondition when there is none, or it cannot be made
 */
export function prepareConfig(runDir: string, given: string | undefined): string {
  if (given !== undefined) {
    const dir = resolve(given);
    if (!existsSync(dir) || !statSync(dir).isDirectory())
      throw new XebecError(
        "failed_precondition",
        `--config ${given} is not a directory; make it, or leave --config out`,
      );
    return dir;
  }
  const dir = join(runDir, "config");
  try {
    mkdirSync(dir, { recursive: true });
    if (readdirSync(dir).length === 0 || (loadOptions(runDir) === undefined && !hasDeployment(dir))) fill(dir);
  } catch (error) {
    if (isXebecError(error)) throw error;
    throw new XebecError("failed_precondition", `${dir} cannot be written: ${(error as Error).message}`, {
      cause: error,
    });
  }
  return dir;
}

function hasDeployment(dir: string): boolean {
  return [...readManifests(dir).values()].some((text) => text.objects().some(({ id }) => id.kind === "Deployment"));
}

function fill(dir: string): void {
  const present = [...readManifests(dir).values()].flatMap((text) => text.objects().map(({ id }) => id));
  for (const file of FIRST_FILES) {
    const text = new ManifestText(readText(join(SAMPLE, file)));
    for (const id of present) text.remove(id);
    const path = join(dir, basename(file));
    if (!text.isEmpty() && !existsSync(path)) writeFileSync(path, text.text());
  }
}
