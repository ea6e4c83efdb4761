// Bundles the programs, for a quick start.
import { spawn } from "node:child_process";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { SetupError } from "./setup.mjs";
import { stamp } from "./stamp.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const BIN = join(ROOT, "node_modules/.bin");

/** Everything that can be part of a bundle, and the bundles themselves in their `dist` folders. */
const BUNDLED = stamp(join(ROOT, ".tools/bundled.stamp"), ROOT, [
  "apps",
  "libs",
  "deploy/samples",
  "proto",
  "tools",
  "nx.json",
  "tsconfig.base.json",
  "tsconfig.json",
  "package-lock.json",
]);

/** Bundles every app and the sample: nothing is done while no file has changed, and what has not comes from Nx's cache. */
export async function bundle() {
  if (BUNDLED.holds()) return;
  await BUNDLED.renew(build);
}

function build() {
  return new Promise((resolve, reject) => {
    const child = spawn(join(BIN, "nx"), ["run-many", "-t", "build", "--output-style=static"], {
      cwd: ROOT,
      env: {
        ...process.env,
        PATH: [BIN, process.env.PATH].join(delimiter),
        NX_DAEMON: "false",
        NX_TUI: "false",
        CI: "true",
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let said = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (bytes) => {
        said += bytes;
      });
    child.on("error", (error) => reject(new SetupError(`the programs cannot be bundled: ${error.message}`)));
    child.on("close", (code) => {
      if (code === 0) return resolve();
      const reason = said.split("\n").find((line) => /error/i.test(line)) ?? `exit ${code}`;
      reject(new SetupError(`the programs cannot be bundled: ${reason.trim()}`));
    });
  });
}
