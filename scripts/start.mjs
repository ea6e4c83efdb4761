// `npm start`: makes the working copy ready, bundles the programs, and runs `xebec up` with the flags that it was given.
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "./bundle.mjs";
import { setup } from "./setup.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const BIN = join(ROOT, "node_modules/.bin");
const XEBEC = join(ROOT, "apps/xebec/bin/xebec.mjs");

try {
  const asksOnly = process.argv.slice(2).some((each) => each === "--help" || each === "-h");
  // Wrong flags and a mesh that runs already are reported before anything is made. A new working copy has no packages yet.
  if (!asksOnly && existsSync(join(ROOT, "node_modules/.package-lock.json"))) checkFirst();
  await setup({ quiet: true });
  if (!asksOnly) {
    const began = Date.now();
    if (process.stdout.isTTY) process.stdout.write("programs ...\r");
    await bundle();
    console.log(`programs: ready (${((Date.now() - began) / 1000).toFixed(1)} s)`);
  }
  up();
} catch (error) {
  console.error(`start: ${error.message}`);
  process.exit(error.exitCode ?? 1);
}

function checkFirst() {
  const { status, stderr } = spawnSync(join(BIN, "node"), [XEBEC, "up", "--check-only", ...process.argv.slice(2)], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, XEBEC_USE_BUNDLES: "0" },
  });
  // Only what a user can fix is reported now; anything else, for example code that is not generated yet, resolves itself or comes up again.
  if (status !== 2) return;
  process.stderr.write(stderr);
  process.exit(2);
}

function up() {
  const child = spawn(join(BIN, "node"), [XEBEC, "up", ...process.argv.slice(2)], {
    stdio: "inherit",
    env: { ...process.env, XEBEC_USE_BUNDLES: "1" },
  });
  // npm and the terminal both send Ctrl-C; `xebec up` counts it once.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => {
    console.error(`start: xebec cannot be started: ${error.message}`);
    process.exit(1);
  });
  child.on("exit", (code) => process.exit(code ?? 1));
}
