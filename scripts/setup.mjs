// Makes the working copy ready: npm packages, the programs that tests and the local mesh run, generated code.
// It must run before anything is installed: plain JavaScript, Node 20 or newer, no dependency.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  accessSync,
  appendFileSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { stamp } from "./stamp.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const BIN = join(ROOT, "node_modules/.bin");
const TOOLS = join(ROOT, ".tools");
const LOG = join(TOOLS, "setup.log");
const STAMP = join(ROOT, "node_modules/.xebec-lock");
const REQUIREMENTS = join(ROOT, "scripts/requirements.txt");
const TEST_REQUIREMENTS = join(ROOT, "scripts/requirements-test.txt");
/** The oldest Envoy that is supported. */
const OLDEST_REQUIREMENTS = join(ROOT, "scripts/requirements-oldest.txt");
/** What code is generated from, and where it goes. */
const GENERATED = stamp(join(TOOLS, "generated.stamp"), ROOT, [
  "proto",
  "libs/api",
  // Of these the charts' definitions and schemas are made.
  "libs/model/resources/src",
  ...["citadel", "galley", "injector", "mixer"].map((service) => `libs/${service}/server/src/config.ts`),
  "libs/pilot/xds-server/src/config.ts",
  ...[
    "scripts",
    "src",
    "control-plane/values.yaml",
    "crds/values.yaml",
    "gateway/values.yaml",
    "addons/values.yaml",
  ].map((path) => `deploy/helm/${path}`),
  "nx.json",
  "tools/nx-plugin.ts",
  "package-lock.json",
]);
const PROGRAMS = [
  { name: "envoy", variable: "XEBEC_ENVOY", path: "envoy/_bin/envoy" },
  { name: "nats-server", variable: "XEBEC_NATS_SERVER", path: "bin/nats-server" },
];

/** A failure that is reported in one sentence. Exit code 2: something must be installed first; 1: a step failed. */
export class SetupError extends Error {
  constructor(message, exitCode = 1) {
    super(message);
    this.name = "SetupError";
    this.exitCode = exitCode;
  }
}

/**
 * Makes the working copy ready; steps that are done already cost next to nothing.
 * @param quiet true: says nothing about steps that have nothing to do
 * @throws SetupError
 */
export async function setup({ quiet = false } = {}) {
  mkdirSync(TOOLS, { recursive: true });
  writeFileSync(LOG, "");
  const steps = [
    { text: "npm packages", due: () => !packagesMatch(), run: installPackages },
    { text: "Envoy and nats-server", due: () => missingPrograms().length > 0, run: installPrograms },
    { text: "generated code", due: () => !GENERATED.holds(), silent: true, run: generate },
  ];
  checkNode();
  for (const [i, { text, due, silent, run }] of steps.entries()) {
    const label = `[${i + 1}/${steps.length}] ${text}`;
    if (!due()) {
      if (!quiet) console.log(`${label}: ready`);
      continue;
    }
    const began = Date.now();
    if (process.stdout.isTTY) process.stdout.write(`${label} ...\r`);
    await run();
    // What was written above vanishes again.
    if (quiet && silent) process.stdout.write(process.stdout.isTTY ? "\x1b[K" : "");
    else console.log(`${label}: done (${((Date.now() - began) / 1000).toFixed(1)} s)`);
  }
}

/** Where `setup` puts the programs; the folder's name changes with their versions. */
export function toolsFolder() {
  return join(TOOLS, sha256(readFileSync(REQUIREMENTS)).slice(0, 12));
}

function checkNode() {
  const major = Number(process.versions.node.split(".")[0]);
  if (major < 20) throw new SetupError(`Node ${process.versions.node} is too old; install Node 20 or newer`, 2);
}

function packagesMatch() {
  // Without Node of its own nothing runs, whatever else is there.
  if (!["node_modules/.package-lock.json", "node_modules/.bin/node"].every((path) => existsSync(join(ROOT, path))))
    return false;
  const wanted = readFileSync(join(ROOT, "package-lock.json"));
  const key = sha256(wanted);
  if (existsSync(STAMP) && readFileSync(STAMP, "utf8") === key) return true;
  // Installed by hand: as good, when every package has the version of the lock file.
  const installed = JSON.parse(readFileSync(join(ROOT, "node_modules/.package-lock.json"), "utf8")).packages;
  const complete = Object.entries(JSON.parse(wanted).packages)
    .filter(([path, entry]) => path.startsWith("node_modules/") && !entry.optional)
    .every(([path, entry]) =>
      // npm notes a new package of our own as installed when it only writes the lock file.
      entry.link ? installed[path]?.link && existsSync(join(ROOT, path)) : installed[path]?.version === entry.version,
    );
  if (complete) writeFileSync(STAMP, key);
  return complete;
}

async function installPackages() {
  await demand("npm", ["--version"], "npm is not installed; it comes with Node");
  // npm replaces node_modules while it runs, so it must not run on the Node that lives there.
  const PATH = path()
    .filter((folder) => !folder.startsWith(join(ROOT, "node_modules")))
    .join(delimiter);
  await run("npm", ["ci", "--no-audit", "--no-fund"], "npm ci failed", { ...process.env, PATH });
  writeFileSync(STAMP, sha256(readFileSync(join(ROOT, "package-lock.json"))));
}

function missingPrograms() {
  return PROGRAMS.filter(({ name, variable, path: inside }) => {
    const set = process.env[variable];
    if (set) {
      if (!isExecutable(set)) throw new SetupError(`${variable} names ${set}, which is not a program`, 2);
      return false;
    }
    return ![...path().map((folder) => join(folder, name)), join(toolsFolder(), inside)].some(isExecutable);
  });
}

async function installPrograms() {
  const names = missingPrograms()
    .map(({ name }) => name)
    .join(" and ");
  const byHand = `or install ${names} yourself and set ${PROGRAMS.map(({ variable }) => variable).join(", ")}`;
  if (process.platform !== "linux" || process.arch !== "x64")
    throw new SetupError(
      `there are no ready programs for ${process.platform} ${process.arch}; install ${names} yourself and set ${PROGRAMS.map(({ variable }) => variable).join(", ")}`,
      2,
    );
  await demand("python3", ["--version"], `python3 is not installed; install it, ${byHand}`);
  await demand("python3", ["-m", "pip", "--version"], `pip is not installed; install python3-pip, ${byHand}`);
  await pipInstall(REQUIREMENTS, toolsFolder(), "pip could not fetch Envoy and nats-server");
  const left = missingPrograms();
  if (left.length > 0)
    throw new SetupError(`${left[0].name} is missing although pip has installed it; remove ${TOOLS} and try again`);
}

/**
 * Makes the gRPC client of another language ready that tests speak to our server with.
 * @returns the folder of its Python modules
 * @throws SetupError when it cannot be had
 */
export function testClients() {
  return onDemand(TEST_REQUIREMENTS, "test", "pip could not fetch grpcio");
}

/**
 * The oldest Envoy that is supported, for the tests that run it; it is fetched when the first one does.
 * @returns its path
 * @throws SetupError
 */
export async function oldestEnvoy() {
  return join(
    await onDemand(OLDEST_REQUIREMENTS, "oldest", "pip could not fetch the oldest Envoy"),
    "envoy/_bin/envoy",
  );
}

/** @returns the folder of what a file of requirements names */
async function onDemand(requirements, name, sentence) {
  const folder = join(TOOLS, `${sha256(readFileSync(requirements)).slice(0, 12)}-${name}`);
  if (existsSync(folder)) return folder;
  mkdirSync(TOOLS, { recursive: true });
  await demand("python3", ["-m", "pip", "--version"], "Python 3 with pip is not installed");
  await pipInstall(requirements, folder, sentence);
  return folder;
}

/** Installs exactly what a file of requirements names. */
async function pipInstall(requirements, folder, sentence) {
  // Filled beside its place and then moved, so that an interrupted download is never taken for a whole one.
  const part = `${folder}.${process.pid}.part`;
  try {
    const options = ["-q", "--root-user-action=ignore", "--disable-pip-version-check", "--target", part, "--no-deps"];
    await run(
      "python3",
      ["-m", "pip", "install", ...options, "--only-binary", ":all:", "--require-hashes", "-r", requirements],
      sentence,
    );
    rmSync(folder, { recursive: true, force: true });
    renameSync(part, folder);
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
}

function generate() {
  return GENERATED.renew(runGenerators);
}

async function runGenerators() {
  const env = {
    ...process.env,
    PATH: [BIN, ...path()].join(delimiter),
    NX_DAEMON: "false",
    NX_TUI: "false",
    CI: "true",
  };
  await run(
    join(BIN, "nx"),
    ["run-many", "-t", "generate", "--output-style=static"],
    "the generation of code failed",
    env,
  );
}

function demand(command, args, sentence) {
  return run(command, args, sentence).catch(() => {
    throw new SetupError(sentence, 2);
  });
}

/** Runs a program; what it says goes to the log. */
function run(command, args, sentence, env = process.env) {
  return new Promise((resolve, reject) => {
    appendFileSync(LOG, `$ ${command} ${args.join(" ")}\n`);
    const child = spawn(command, args, { cwd: ROOT, env, stdio: ["ignore", "pipe", "pipe"] });
    let last = "";
    const collect = (bytes) => {
      appendFileSync(LOG, bytes);
      last = (last + bytes).slice(-4_000);
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    child.on("error", (error) => reject(new SetupError(`${sentence}: ${command} cannot be started (${error.code})`)));
    child.on("close", (code, signal) => {
      if (code === 0) return resolve();
      const reason = last
        .split("\n")
        .map((line) => line.trim())
        .filter((line) => /error/i.test(line) && !/complete log|A complete/i.test(line))
        .at(-1);
      reject(
        new SetupError(
          `${sentence} (${signal ?? `exit ${code}`}${reason ? `: ${reason.slice(0, 200)}` : ""}); the whole output is in ${LOG}`,
        ),
      );
    });
  });
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function path() {
  return (process.env.PATH ?? "").split(delimiter).filter(Boolean);
}

function sha256(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await setup({ quiet: process.argv.includes("--quiet") });
  } catch (error) {
    console.error(`setup: ${error.message}`);
    process.exit(error.exitCode ?? 1);
  }
}
