// Runs the benchmarks of tests/perf and prints their tables; arguments choose some of them.
import { spawn } from "node:child_process";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "./bundle.mjs";
import { SetupError, setup } from "./setup.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const BIN = join(ROOT, "node_modules/.bin");

try {
  await setup({ quiet: true });
  // What users run is measured.
  await bundle();
  const child = spawn(join(BIN, "node"), ["tests/perf/main.ts", ...process.argv.slice(2)], {
    cwd: ROOT,
    stdio: "inherit",
    env: { ...process.env, XEBEC_USE_BUNDLES: "1", PATH: `${BIN}${delimiter}${process.env.PATH}` },
  });
  child.on("exit", (code) => {
    process.exitCode = code ?? 1;
  });
} catch (error) {
  console.error(error instanceof SetupError ? error.message : (error.stack ?? String(error)));
  process.exitCode = error instanceof SetupError ? error.exitCode : 1;
}
