import { accessSync, constants } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { XebecError } from "@xebec/core-errors";
import { GROUPS, type GroupName, groupFolder, type KubeProgram, PROGRAMS } from "./groups.ts";

export interface AssetPlaces {
  /** The working copy's root. */
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The paths of the programs that were found. */
export type KubeAssets = Readonly<Record<KubeProgram, string>>;

/** The folder that all working copies of a user share: `$XDG_CACHE_HOME/xebec/kube`, by default below `~/.cache`. */
export function kubeCache(env: AssetPlaces["env"]): string {
  return join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), ".cache"), "xebec", "kube");
}

/**
 * Finds a program: in `KUBEBUILDER_ASSETS`, in `.tools/kube` of the working copy, in the cache, then on PATH. What was made for
 * this version comes before PATH, whose kubectl may be too old for the server.
 * @returns undefined when it is nowhere
 */
export function findKubeProgram(name: KubeProgram, { root, env }: AssetPlaces): string | undefined {
  const group = (Object.keys(GROUPS) as GroupName[]).find((each) => GROUPS[each].includes(name)) as GroupName;
  return [
    ...(env.KUBEBUILDER_ASSETS ? [env.KUBEBUILDER_ASSETS] : []),
    join(root, ".tools/kube"),
    join(kubeCache(env), groupFolder(group, root), "bin"),
    ...(env.PATH ?? "").split(delimiter).filter(Boolean),
    // Debian keeps some of them out of a user's PATH.
    ...["/usr/sbin", "/sbin"],
  ]
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

/** The programs that are not there. */
export function missingPrograms(places: AssetPlaces, programs: readonly KubeProgram[] = PROGRAMS): KubeProgram[] {
  return programs.filter((each) => findKubeProgram(each, places) === undefined);
}

/**
 * Finds programs.
 * @throws XebecError failed_precondition that names what is missing and says how to get it
 */
export function findKubeAssets(places: AssetPlaces, programs: readonly KubeProgram[] = PROGRAMS): KubeAssets {
  const missing = missingPrograms(places, programs);
  if (missing.length > 0)
    throw new XebecError(
      "failed_precondition",
      `${missing.join(", ")} not found; "npm run kube-assets" fetches and builds what a cluster needs, or set KUBEBUILDER_ASSETS to a folder that has them`,
    );
  return Object.fromEntries(programs.map((each) => [each, findKubeProgram(each, places)])) as KubeAssets;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // whatever the reason, it cannot be run from here
  }
}
