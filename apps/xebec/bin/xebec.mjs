#!/usr/bin/env node
// The command `xebec`: runs on Node 24 or newer; an older Node starts the one among the packages in its place. Programs run as
// bundles, which are made anew when their sources have changed.
import { spawn } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { enableCompileCache } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const MAJOR_NEEDED = 24;
const app = dirname(dirname(realpathSync(fileURLToPath(import.meta.url))));
const root = join(app, "../..");

if (Number(process.versions.node.split(".")[0]) >= MAJOR_NEEDED) await run();
else restart();

async function run() {
  const useBundles = await bundled(process.argv.slice(2));
  process.env.XEBEC_USE_BUNDLES = useBundles ? "1" : "0";
  if (useBundles) {
    // For this process, and for the programs that it becomes or starts.
    process.env.NODE_COMPILE_CACHE ??= join(root, ".tools/compile-cache");
    enableCompileCache(process.env.NODE_COMPILE_CACHE);
  }
  await import(join(app, useBundles ? "dist/main.mjs" : "src/main.ts"));
}

/** Makes the bundles that a command needs. @returns whether there are any to run */
async function bundled([command, service]) {
  const { XEBEC_USE_BUNDLES: wanted } = process.env;
  if (wanted === "0") return false;
  const keeper = join(root, "scripts/bundles.mjs");
  // Somebody has seen to it, or this is not a working copy: what is there is used.
  if (wanted === "1" || !existsSync(keeper)) return existsSync(join(app, "dist/main.mjs"));
  const { makeCurrent, PROGRAMS } = await import(keeper);
  const more =
    command === "up" || (command === "cluster" && service === "up")
      ? PROGRAMS
      : command === "run"
        ? PROGRAMS.filter((each) => each === `apps/${service}`)
        : [];
  const failure = await makeCurrent(["apps/xebec", ...more]);
  if (failure !== undefined)
    process.stderr.write(`xebec: the programs cannot be bundled, so they run from their sources, slowly: ${failure}\n`);
  return failure === undefined;
}

function restart() {
  const node = join(root, "node_modules/.bin/node");
  if (!existsSync(node)) {
    process.stderr.write(
      `xebec: Node ${process.versions.node} is too old and ${node} is missing; run "npm run setup" in ${root}\n`,
    );
    process.exit(2);
  }
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: "inherit" });
  // A terminal sends its signals to both; only what was sent to this process alone has to be passed on.
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"])
    process.on(signal, () => {
      if (signal === "SIGTERM" || !process.stdin.isTTY) child.kill(signal);
    });
  child.on("error", (error) => {
    process.stderr.write(`xebec: ${node} cannot be started: ${error.message}\n`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 143)));
}
