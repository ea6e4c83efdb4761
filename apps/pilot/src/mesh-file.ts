import { readFileSync } from "node:fs";
import { XebecError } from "@xebec/core-errors";
import { parseMeshConfig } from "@xebec/galley-validate";

/**
 * Reads the file of the mesh configuration.
 * @throws XebecError invalid_argument when it cannot be read, or with everything that is wrong in it
 */
export function readMeshFile(path: string): ReturnType<typeof parseMeshConfig> {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new XebecError("invalid_argument", `--meshConfig: ${(error as Error).message}`, { cause: error });
  }
  return parseMeshConfig(text, `--meshConfig ${path}`);
}
