import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./paths.ts";

/** The version of this command, and of the services that it starts: `XEBEC_VERSION`, else its package's. */
export function packageVersion(): string {
  const file = join(ROOT, "apps/xebec/package.json");
  return process.env.XEBEC_VERSION ?? (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
