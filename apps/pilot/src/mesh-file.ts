import { readFileSync } from "node:fs";
import { XebecError } from "@xebec/core-errors";
import { parseMeshConfig, parseMeshNetworks } from "@xebec/galley-validate";

type MeshConfig = ReturnType<typeof parseMeshConfig>;

/**
 * Reads the files of the mesh configuration and of its networks.
 * @param files their paths
 * @returns undefined without any
 * @throws XebecError invalid_argument when one cannot be read, or with everything that is wrong in it
 */
export function readMeshFiles(files: {
  readonly meshConfig?: string | undefined;
  readonly networksConfig?: string | undefined;
}): MeshConfig | undefined {
  const { meshConfig, networksConfig } = files;
  if (!meshConfig && !networksConfig) return undefined;
  const mesh = meshConfig ? parseMeshConfig(textOf(meshConfig, "--meshConfig"), `--meshConfig ${meshConfig}`) : {};
  if (!networksConfig) return mesh;
  const text = textOf(networksConfig, "--networksConfig");
  return { ...mesh, meshNetworks: parseMeshNetworks(text, `--networksConfig ${networksConfig}`) };
}

function textOf(path: string, flag: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new XebecError("invalid_argument", `${flag}: ${(error as Error).message}`, { cause: error });
  }
}
