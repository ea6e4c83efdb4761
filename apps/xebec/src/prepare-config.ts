import { copyFileSync, existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { XebecError } from "@xebec/core-errors";
import { ROOT } from "./paths.ts";

const SAMPLE = join(ROOT, "deploy/samples/bookinfo");
const FIRST_FILES = [
  "networking/bookinfo-gateway.yaml",
  "networking/destination-rule-all.yaml",
  "telemetry/metrics.yaml",
];

/**
 * The directory of the configuration. The default one is filled with the Bookinfo sample when it is empty; one that a user
 * names must exist and is used as it is.
 * @throws XebecError failed_precondition when there is none, or it cannot be made
 */
export function prepareConfig(runDir: string, given: string | undefined): string {
  if (given !== undefined) {
    const dir = resolve(given);
    if (!existsSync(dir) || !statSync(dir).isDirectory())
      throw new XebecError("failed_precondition", `--config ${given} is no directory; make it, or leave --config out`);
    return dir;
  }
  const dir = join(runDir, "config");
  try {
    mkdirSync(dir, { recursive: true });
    if (readdirSync(dir).length > 0) return dir;
    const platform = readdirSync(join(SAMPLE, "platform")).map((name) => `platform/${name}`);
    for (const file of [...platform, ...FIRST_FILES]) copyFileSync(join(SAMPLE, file), join(dir, basename(file)));
  } catch (error) {
    throw new XebecError("failed_precondition", `${dir} cannot be written: ${(error as Error).message}`, {
      cause: error,
    });
  }
  return dir;
}
