#!/usr/bin/env node
// The command `xebec`: runs on Node 24 or newer; an older Node starts the one among the packages in its place.
import { spawn } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const MAJOR_NEEDED = 24;
const app = dirname(dirname(realpathSync(fileURLToPath(import.meta.url))));
const root = join(app, "../..");
const bundle = join(app, "dist/main.mjs");
const entry = process.env.XEBEC_USE_BUNDLES === "1" && existsSync(bundle) ? bundle : join(app, "src/main.ts");

if (Number(process.versions.node.split(".")[0]) >= MAJOR_NEEDED) await import(entry);
else {
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
