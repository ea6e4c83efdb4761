// `npm start`: makes the working copy ready, bundles the programs, and runs `xebec up` with the flags that it was given.
import { spawn } from "node:child_process";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { SetupError, setup } from "./setup.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const BIN = join(ROOT, "node_modules/.bin");

try {
  const asksOnly = process.argv.slice(2).some((each) => each === "--help" || each === "-h");
  await setup({ quiet: true });
  if (!asksOnly) await build();
  up();
} catch (error) {
  console.error(`start: ${error.message}`);
  process.exit(error.exitCode ?? 1);
}

/** Bundles every app and the sample; what has not changed comes from Nx's cache. */
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

function up() {
  const child = spawn(join(BIN, "node"), [join(ROOT, "apps/xebec/bin/xebec.mjs"), "up", ...process.argv.slice(2)], {
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
