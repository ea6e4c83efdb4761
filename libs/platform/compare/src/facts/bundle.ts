import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** What a bundled program is made of. */
export interface Bundle {
  /** Bytes of all its files. */
  readonly bytes: number;
  /** Bytes of those that are loaded before it does anything; the rest is loaded on demand. */
  readonly startBytes: number;
  /** Packages of others in it. */
  readonly libraries: ReadonlySet<string>;
}

/** @param folder that of the program @returns undefined when it was not bundled */
export function bundleOf(folder: string): Bundle | undefined {
  const dist = join(folder, "dist");
  if (!existsSync(join(dist, "main.mjs")) || !existsSync(join(dist, "inputs.json"))) return undefined;
  // Files of earlier bundles lie beside it: only what is reached from its entry counts.
  const sizes = (names: ReadonlySet<string>): number =>
    [...names].reduce((sum, name) => sum + statSync(join(dist, name)).size, 0);
  return {
    bytes: sizes(reached(dist, /(?:\bfrom|\bimport)\s*\(?\s*"\.\/([\w.-]+\.mjs)"/g)),
    startBytes: sizes(reached(dist, /(?:\bfrom|\bimport)\s*"\.\/([\w.-]+\.mjs)"/g)),
    libraries: librariesOf(join(dist, "inputs.json")),
  };
}

/** The files that the entry imports, directly and through others. @param imports finds the names of files in a file */
function reached(dist: string, imports: RegExp): ReadonlySet<string> {
  const found = new Set(["main.mjs"]);
  for (const name of found)
    for (const [, next] of readFileSync(join(dist, name), "utf8").matchAll(imports))
      if (next && existsSync(join(dist, next))) found.add(next);
  return found;
}

function librariesOf(inputs: string): ReadonlySet<string> {
  const paths = (JSON.parse(readFileSync(inputs, "utf8")) as [string, number, number][]).map(([path]) => path);
  return new Set(
    paths.flatMap((path) => {
      const name = /.*\bnode_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];
      return name && !name.startsWith("@xebec/") ? [name] : [];
    }),
  );
}
