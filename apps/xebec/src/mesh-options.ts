import { readFileSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "@xebec/platform-files";

/** How a mesh was started; kept in its run directory, so that a restarted supervisor starts it the same way. */
export interface MeshOptions {
  readonly configDir: string;
  readonly block: number;
  readonly ingressPort: number;
  readonly monolith: boolean;
}

const FILE = "options.json";

export async function saveOptions(runDir: string, options: MeshOptions): Promise<void> {
  await writeFileAtomic(join(runDir, FILE), `${JSON.stringify(options, null, 2)}\n`);
}

/** @returns undefined when no mesh was started with this run directory */
export function loadOptions(runDir: string): MeshOptions | undefined {
  try {
    return JSON.parse(readFileSync(join(runDir, FILE), "utf8")) as MeshOptions;
  } catch {
    return undefined;
  }
}
