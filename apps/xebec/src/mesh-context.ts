import { join } from "node:path";
import { isXebecError } from "@xebec/core-errors";
import type { MeshStatus } from "@xebec/platform-local";
import { callSupervisor } from "./control.ts";
import { DEFAULT_ADDRESS_BLOCK, loadOptions } from "./mesh-options.ts";
import { runDirectory } from "./paths.ts";

export interface MeshContext {
  readonly runDir: string;
  readonly configDir: string;
  readonly addressBlock: number;
  /** Undefined when no mesh runs. */
  readonly mesh: MeshStatus | undefined;
}

/** The mesh that commands speak of, whether it runs or not. */
export async function meshContext(): Promise<MeshContext> {
  const runDir = runDirectory();
  const options = loadOptions(runDir);
  let mesh: MeshStatus | undefined;
  try {
    mesh = await callSupervisor<MeshStatus>(runDir, "GET", "/status");
  } catch (error) {
    if (!isXebecError(error) || error.code !== "unavailable") throw error;
  }
  const configDir = mesh?.configDir ?? options?.configDir ?? join(runDir, "config");
  return { runDir, configDir, addressBlock: options?.addressBlock ?? DEFAULT_ADDRESS_BLOCK, mesh };
}
