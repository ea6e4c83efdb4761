// Remembers of a step what it was made from and what it made, so that a later start can skip it.
import { createHash } from "node:crypto";
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Folders that are no part of any step. */
const SKIPPED = new Set(["node_modules", ".git"]);
/** Folders of what steps make. */
const MADE = new Set([...SKIPPED, "gen", "dist"]);

/**
 * @param file where it is kept
 * @param root the working copy
 * @param paths files and folders below it: inputs and outputs, so that neither can change without notice
 */
export function stamp(file, root, paths) {
  return {
    /** Whether everything is as it was after the step. */
    holds() {
      return existsSync(file) && readFileSync(file, "utf8") === fingerprint(root, paths);
    },
    /** Runs the step. A file that was saved meanwhile may not be part of what it made: then it is due again. */
    async renew(step) {
      rmSync(file, { force: true });
      const before = fingerprint(root, paths, MADE);
      await step();
      if (fingerprint(root, paths, MADE) !== before) return;
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, fingerprint(root, paths));
    },
  };
}

/** Names, sizes and times of all files, in a few letters. */
export function fingerprint(root, paths, skipped = SKIPPED) {
  const hash = createHash("sha256");
  const add = (path) => {
    const stat = lstatSync(join(root, path), { throwIfNoEntry: false });
    if (!stat) hash.update(`${path} none\n`);
    else if (!stat.isDirectory()) hash.update(`${path} ${stat.size} ${stat.mtimeMs} ${stat.ctimeMs}\n`);
    else for (const name of readdirSync(join(root, path)).sort()) if (!skipped.has(name)) add(join(path, name));
  };
  for (const path of paths) add(path);
  return hash.digest("hex");
}
