import { readFile } from "node:fs/promises";
import { XebecError } from "@xebec/core-errors";
import { readYaml } from "@xebec/core-yaml";

/**
 * Whether a client may take the configuration, by Istio 1.1's access list (docs/reference/platform.md §3.5). The file is read for each
 * stream, so a change holds for the next one. Without a file everybody may whose certificate was verified.
 * @param identity of the client's certificate
 */
export async function isAllowed(file: string | undefined, identity: string | undefined): Promise<boolean> {
  if (file === undefined) return true;
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return true;
    throw new XebecError("failed_precondition", `--accessListFile: ${file} cannot be read`, { cause: error });
  }
  const { isBlackList, allowed } = readList(text, file);
  const isNamed = identity !== undefined && allowed.includes(identity);
  return isBlackList ? !isNamed : isNamed;
}

function readList(text: string, file: string): { readonly isBlackList: boolean; readonly allowed: readonly unknown[] } {
  const value = readYaml(text) as Record<string, unknown> | null;
  const fields = Object.fromEntries(Object.entries(value ?? {}).map(([name, each]) => [name.toLowerCase(), each]));
  const { isblacklist = false, allowed = [] } = fields;
  if (typeof isblacklist !== "boolean" || !Array.isArray(allowed))
    throw new XebecError(
      "failed_precondition",
      `--accessListFile: ${file}: write IsBlackList: true or false, and Allowed: a list`,
    );
  return { isBlackList: isblacklist, allowed };
}
