import { join } from "node:path";
import { writeFileAtomic } from "@xebec/platform-files";
import { readJson } from "./read-json.ts";

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

/**
 * @returns undefined when no mesh was started with this run directory
 * @throws XebecError failed_precondition when the file is damaged
 */
export function loadOptions(runDir: string): MeshOptions | undefined {
  return readJson(join(runDir, FILE), 'end the mesh with "xebec down", then "xebec up" writes it anew');
}
