import { lstatSync, readlinkSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

const MOST_LINKS = 40;

/**
 * Follows the symbolic links of a path as a process with another root directory would, so that what is made there stays below it.
 * @param roots the directories whose contents, the first one on top, are the root
 * @param path absolute, within the root; what does not exist is kept as it is
 * @returns the path within the root, without symbolic links
 */
export function resolveInRoot(roots: readonly string[], path: string): string {
  const parts = normalize(join("/", path)).split("/").filter(Boolean);
  let at = "/";
  for (let links = 0; parts.length > 0; ) {
    const part = parts.shift() as string;
    if (part === "..") {
      at = dirname(at);
      continue;
    }
    const next = join(at, part);
    const target = linkAt(roots, next);
    if (target === undefined || links++ > MOST_LINKS) {
      at = next;
      continue;
    }
    if (target.startsWith("/")) at = "/";
    parts.unshift(...target.split("/").filter((each) => each !== "" && each !== "."));
  }
  return at;
}

function linkAt(roots: readonly string[], path: string): string | undefined {
  for (const root of roots) {
    const stat = lstatSync(join(root, path), { throwIfNoEntry: false });
    if (stat) return stat.isSymbolicLink() ? readlinkSync(join(root, path)) : undefined;
  }
  return undefined;
}
