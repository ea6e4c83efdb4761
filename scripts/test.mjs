// Runs every check there is: types, lint, module boundaries, unit, golden, contract and end-to-end tests.
// `npm test`; `npm test -- unit e2e` runs only some stages.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "./bundle.mjs";
import { SetupError, setup } from "./setup.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const BIN = join(ROOT, "node_modules/.bin");
const NODE = join(BIN, "node");
const env = { ...process.env, PATH: `${BIN}${delimiter}${process.env.PATH}`, NO_COLOR: "1" };
const REPORTER = ["--test-reporter=./scripts/test-reporter.mjs", "--test-reporter-destination=stdout"];

/** Stages that are one check each, and stages that have tests of their own. */
const STAGES = [
  { name: "types", command: [join(BIN, "tsc"), "-p", "."] },
  { name: "lint", command: [join(BIN, "biome"), "ci", "--reporter=summary", "."] },
  { name: "boundaries", command: [NODE, "scripts/boundaries.ts"] },
  {
    name: "unit",
    tests: [
      "libs/**/*.test.ts",
      "apps/**/*.test.ts",
      "deploy/{helm,images,samples}/**/*.test.ts",
      "scripts/*.test.ts",
      "tests/golden/*.test.ts",
      "tests/docs/*.test.ts",
    ],
    flags: ["--test-isolation=none"],
  },
  // What requests and connections do behind a real Envoy that pilot configures.
  { name: "behaviour", tests: ["tests/behaviour/*.test.ts"], flags: ["--test-concurrency=2", "--test-timeout=120000"] },
  // Clients that are not ours: Go programs, where Go is installed.
  {
    name: "conformance",
    tests: ["tests/conformance/*.test.ts"],
    flags: ["--test-concurrency=1", "--test-timeout=900000"],
  },
  // A real Kubernetes cluster; what it needs is fetched and built once, into a folder that later working copies find.
  {
    name: "kube",
    prepare: sharedCluster,
    tests: ["tests/kube/*.test.ts"],
    flags: ["--test-concurrency=1", "--test-timeout=300000"],
  },
  // What `npm start` runs: the bundled programs.
  {
    name: "e2e",
    prepare: bundle,
    tests: ["tests/e2e/*.test.ts"],
    flags: ["--test-concurrency=1", "--test-timeout=180000"],
    env: { XEBEC_USE_BUNDLES: "1" },
  },
];

function run(command, more = {}) {
  return new Promise((resolve) => {
    const [file, ...args] = command;
    const child = spawn(file, args, { cwd: ROOT, env: { ...env, ...more }, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (text) => (output += text));
    child.stderr.on("data", (text) => (output += text));
    child.on("error", (error) => resolve({ code: 1, output: error.message }));
    child.on("exit", (code) => resolve({ code: code ?? 1, output }));
  });
}

/** Makes what a cluster needs; what cannot be had makes tests skip that need it, and they say why. */
async function kubeAssets() {
  await inherit([NODE, "libs/platform/cluster/scripts/kube-assets.ts", "--quiet"]);
}

/** One cluster for all files of a stage. @returns what the tests get, and what ends it */
async function sharedCluster() {
  await kubeAssets();
  if (process.getuid?.() !== 0) return {};
  await bundle();
  const home = mkdtempSync(join(tmpdir(), "xebec-kube-"));
  const xebec = (...args) => inherit([NODE, "apps/xebec/bin/xebec.mjs", "cluster", ...args], { XEBEC_HOME: home });
  const started = (await xebec("up")) === 0;
  const finish = async () => {
    if (started && (await xebec("down")) !== 0) throw new Error(`the cluster in ${home} could not be ended`);
    rmSync(home, { recursive: true, force: true });
  };
  return { env: started ? { XEBEC_TEST_CLUSTER: home } : {}, finish };
}

/** Runs a program whose errors are seen. @returns its exit code */
function inherit([file, ...args], more = {}) {
  const child = spawn(file, args, { cwd: ROOT, env: { ...env, ...more }, stdio: ["ignore", "ignore", "inherit"] });
  return new Promise((resolve) => child.on("exit", (code) => resolve(code ?? 1)));
}

async function stage({ name, command, tests, flags = [], prepare, env: more }) {
  const began = Date.now();
  const prepared = await prepare?.();
  const { code, output } = await run(command ?? [NODE, "--test", ...flags, ...REPORTER, ...tests], {
    ...more,
    ...prepared?.env,
  });
  await prepared?.finish?.();
  const found = /#counts (\{.*\})/.exec(output);
  const counts = found ? JSON.parse(found[1]) : { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 };
  // A run that ended badly without a failed test has failed all the same.
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  const seconds = ((Date.now() - began) / 1000).toFixed(1);
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : "";
  console.log(`${name.padEnd(11)} ${counts.passed} passed, ${counts.failed} failed${skipped}  (${seconds} s)`);
  if (counts.failed > 0 || counts.skipped > 0) console.log(reported(output).join("\n"));
  return counts;
}

/** What the reporter says of tests that failed or were skipped, without what they logged; all of it when it says nothing. */
function reported(output) {
  const lines = output
    .replace(/#counts .*\n/, "")
    .trimEnd()
    .split("\n");
  const found = [];
  let inside = false;
  for (const line of lines) {
    inside = /^ {2}(FAILED|skipped): /.test(line) || (inside && line.startsWith("    "));
    if (inside) found.push(line);
  }
  return found.length > 0 ? found.slice(0, 400) : lines.slice(-200);
}

try {
  await setup({ quiet: true });
  const wanted = process.argv.slice(2);
  const unknown = wanted.filter((name) => !STAGES.some((each) => each.name === name));
  if (unknown.length > 0)
    throw new SetupError(`no stage ${unknown.join(", ")}; there are ${STAGES.map((each) => each.name).join(", ")}`, 2);
  let passed = 0;
  let failed = 0;
  for (const each of STAGES) {
    if (wanted.length > 0 && !wanted.includes(each.name)) continue;
    const counts = await stage(each);
    passed += counts.passed;
    failed += counts.failed;
    if (process.env.CI === "true" && counts.skipped > 0) failed += counts.skipped;
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
} catch (error) {
  console.error(error instanceof SetupError ? error.message : (error.stack ?? String(error)));
  process.exitCode = error instanceof SetupError ? error.exitCode : 1;
}
