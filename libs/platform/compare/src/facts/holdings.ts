import { existsSync, lstatSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { listeningPorts } from "@xebec/platform-process";

/** What a process holds, as far as it can be seen from outside while it runs. */
export interface Holdings {
  /** The ports on which it listens. */
  readonly ports: readonly string[];
  /** Files with credentials that its command line leads to, below the run directory: `state/citadel/key.pem (private key)`. */
  readonly credentials: readonly string[];
}

const MAX_DEPTH = 4;
const MAX_BYTES = 64 * 1024;
const KINDS: readonly (readonly [what: string, is: RegExp])[] = [
  ["private key", /-----BEGIN [A-Z ]*PRIVATE KEY-----/],
  ["key of the bus", /^S[A-Z2-7]{57}\s*$/],
  ["token", /^eyJ[\w-]+\.[\w-]+\.[\w-]+\s*$/],
];

/** @param pids those of one component @param runDir the mesh's */
export function holdingsOf(pids: readonly number[], runDir: string): Holdings {
  const paths = pids.flatMap((pid) => pathsOf(pid, runDir));
  const found = new Map<string, string>();
  for (const path of paths) collect(path, 0);
  return {
    ports: [...new Set(pids.flatMap(listeningPorts))],
    credentials: [...found].map(([path, what]) => `${relative(runDir, path)} (${what})`).sort(),
  };

  function collect(path: string, depth: number): void {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat?.isDirectory() && depth < MAX_DEPTH)
      for (const name of readdirSync(path)) collect(join(path, name), depth + 1);
    if (!stat?.isFile() || stat.size > MAX_BYTES) return;
    const text = readFileSync(path, "utf8");
    const what = KINDS.find(([, is]) => is.test(text))?.[0];
    if (what) found.set(path, what);
    // The bus' server has its paths in a file of its own.
    if (path.endsWith(".conf")) for (const each of pathsIn(text, runDir)) if (each !== path) collect(each, depth + 1);
  }
}

/** Paths below the run directory on the command line of a process; the configuration, which everybody may read, is left out. */
function pathsOf(pid: number, runDir: string): string[] {
  try {
    return pathsIn(readFileSync(`/proc/${pid}/cmdline`, "utf8"), runDir);
  } catch {
    return []; // it has ended
  }
}

function pathsIn(text: string, runDir: string): string[] {
  return [...text.matchAll(/\/[^\0\s"',=]+/g)]
    .map(([path]) => path)
    .filter((path) => path.startsWith(`${runDir}/`) && path !== join(runDir, "config") && existsSync(path));
}
