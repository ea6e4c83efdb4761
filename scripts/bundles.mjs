// Keeps the bundled programs current: looks whether their sources have changed, and bundles anew what is missing or old.
// Plain JavaScript without dependencies: `npx xebec` loads it first.
import { spawn } from "node:child_process";
import {
  accessSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** Everything that is bundled. */
export const PROGRAMS = [
  ...[
    "citadel",
    "galley",
    "istiod",
    "mixer-policy",
    "mixer-telemetry",
    "pilot",
    "pilot-agent",
    "proxy-init",
    "sidecar-injector",
    "xebec",
  ].map((name) => `apps/${name}`),
  "deploy/samples/bookinfo",
];
/** Whoever bundles renews the lock so often; one that is older than the second was left behind. In milliseconds. */
const RENEW_MS = 1_000;
const ABANDONED_MS = 10_000;
const POLL_MS = 50;

/** The file beside a bundle that says what it was made of: `[path below the root, size, time of change][]`. */
export function inputsFile(root, program) {
  return join(root, program, "dist/inputs.json");
}

/** Says whether a bundle is what bundling would make now. A few hundred stats: some milliseconds. */
export function isCurrent(root, program) {
  try {
    return JSON.parse(readFileSync(inputsFile(root, program), "utf8")).every(([path, size, time]) => {
      const stat = statSync(join(root, path));
      return stat.size === size && stat.mtimeMs === time;
    });
  } catch (error) {
    // Never bundled, an input that is gone, or a file that was cut off: bundling reports more.
    if (error instanceof SyntaxError || error instanceof TypeError || ["ENOENT", "ENOTDIR"].includes(error.code))
      return false;
    throw error;
  }
}

/**
 * Bundles programs that are not current. Several callers at once wait for one of them.
 * @returns undefined when all are current now; else why they are not, in a sentence
 */
export async function makeCurrent(programs, root = ROOT) {
  const old = () => programs.filter((program) => !isCurrent(root, program));
  if (old().length === 0) return undefined;
  const node = join(root, "node_modules/.bin/node");
  try {
    for (const path of [node, join(root, "tools/bundle.ts")]) accessSync(path);
    for (const program of programs) accessSync(join(root, program), constants.W_OK);
    const unlock = await lock(join(root, ".tools/bundling.lock"));
    try {
      const due = old();
      return due.length === 0 ? undefined : await bundle(root, node, due);
    } finally {
      unlock();
    }
  } catch (error) {
    if (error.code === undefined) throw error;
    return error.code === "ENOENT" ? `${error.path} is missing` : `${error.path} cannot be written to (${error.code})`;
  }
}

function bundle(root, node, programs) {
  return new Promise((resolve) => {
    const child = spawn(node, [join(root, "tools/bundle.ts"), ...programs], {
      cwd: root,
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    child.stderr.on("data", (bytes) => {
      said += bytes;
    });
    child.on("error", (error) => resolve(error.message));
    child.on("close", (code) => {
      const reason = /^error: (.*)$/m.exec(said)?.[1] ?? said.trim().slice(0, 500);
      resolve(code === 0 ? undefined : reason || `exit ${code}`);
    });
  });
}

/** @returns gives the lock back */
async function lock(path) {
  mkdirSync(join(path, ".."), { recursive: true });
  for (;;) {
    try {
      closeSync(openSync(path, "wx"));
      break;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
      const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
      if (age > ABANDONED_MS) rmSync(path, { force: true });
      else await sleep(POLL_MS);
    }
  }
  const renew = setInterval(() => {
    const now = new Date();
    utimesSync(path, now, now);
  }, RENEW_MS);
  return () => {
    clearInterval(renew);
    rmSync(path, { force: true });
  };
}
