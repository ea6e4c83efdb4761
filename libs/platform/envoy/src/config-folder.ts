import { mkdir } from "node:fs/promises";
import { XebecError } from "@xebec/core-errors";

/**
 * Makes the folder of the bootstrap, the pid file, the key and the SDS socket when it is not there: for its owner only.
 * @throws XebecError failed_precondition when it cannot be made
 */
export async function makeConfigFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new XebecError(
      "failed_precondition",
      `--configPath: ${path} cannot be made; mount a folder there, or name one that may be written to`,
      { cause: error },
    );
  }
}
