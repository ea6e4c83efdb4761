import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { XebecError } from "@xebec/core-errors";
import { redactText } from "@xebec/core-log";
import { findPackage } from "@xebec/mixer-loader/package";
import {
  addressPlan,
  appEntry,
  type MeshStatus,
  NODE_ENVIRONMENT,
  NODE_FLAGS,
  parseReplicas,
} from "@xebec/platform-local";
import { findProgram } from "@xebec/platform-process";
import { callSupervisor } from "../control.ts";
import { endMesh, meshProcesses } from "../end-mesh.ts";
import { defaultHttpsPort, saveOptions } from "../mesh-options.ts";
import { ROOT, runDirectory } from "../paths.ts";
import { checkPorts } from "../ports.ts";
import { prepareConfig } from "../prepare-config.ts";
import { forgetProcess, recordedProcess, recordProcess } from "../process-record.ts";
import { Progress } from "../progress.ts";
import { refusedObjects } from "../refused-objects.ts";
import { summary } from "../summary.ts";
import { isReady, missingOf, waitReady } from "../wait-ready.ts";
import { guard } from "../watchdog.ts";

/** How long a mesh that is ready may take to say what it refuses, in milliseconds. */
const VERDICT_MS = 2_000;

export interface UpOptions {
  readonly detach?: true;
  readonly config?: string;
  readonly ingressPort: number;
  readonly ingressHttpsPort?: number;
  readonly monolith?: true;
  readonly busTls?: true;
  readonly adapter?: readonly string[];
  /** `COMPONENT=NUMBER` each. */
  readonly replicas?: readonly string[];
  /** `COMPONENT=HOST:PORT` each, for who watches what happens without the bus. */
  readonly busAddress?: readonly string[];
  readonly addressBlock: number;
  /** Seconds. */
  readonly timeout: number;
  /** Says what is wrong with the flags, or that a mesh runs; starts nothing. */
  readonly checkOnly?: true;
}

/** `xebec up`: runs the mesh in the foreground, or leaves it to a watchdog of its own. @returns the exit code */
export async function up(options: UpOptions): Promise<number> {
  const runDir = runDirectory();
  refuseTwice(runDir);
  addressPlan(options.addressBlock);
  // The services run in folders of their own.
  const adapters = (options.adapter ?? []).map((each) => findPackage(each).root);
  const replicas = parseReplicas(options.replicas ?? []);
  if (options.checkOnly) return 0;
  for (const program of ["envoy", "nats-server"] as const) findProgram(program, { root: ROOT, env: process.env });
  // What an earlier run has left is taken over, and holds the ports.
  if (meshProcesses(runDir).length === 0) await checkPorts(options);
  const configDir = prepareConfig(runDir, options.config);
  await saveOptions(runDir, {
    configDir,
    addressBlock: options.addressBlock,
    ingressPort: options.ingressPort,
    ingressHttpsPort: options.ingressHttpsPort ?? defaultHttpsPort(options.ingressPort),
    monolith: options.monolith === true,
    busTls: options.busTls === true,
    ...{ adapters, replicas },
    busAddresses: Object.fromEntries((options.busAddress ?? []).map((each) => each.split("=", 2))),
  });
  return options.detach ? detached(runDir, options) : foreground(runDir, options);
}

function refuseTwice(runDir: string): void {
  if (recordedProcess(runDir, "watchdog") || recordedProcess(runDir, "supervisor"))
    throw new XebecError(
      "failed_precondition",
      `a mesh runs already in ${runDir}; see it with "xebec status", end it with "xebec down", or start another one with XEBEC_HOME=DIR and --address-block N`,
    );
}

async function foreground(runDir: string, options: UpOptions): Promise<number> {
  const asked = new AbortController();
  const signalled = new Promise<"signal">((resolve) => {
    // A terminal and npm may both pass the same Ctrl-C on, so it may come twice.
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
      process.on(signal, () => {
        asked.abort();
        resolve("signal");
      });
  });
  const logSize = supervisorLogSize(runDir);
  await recordProcess(runDir, "watchdog");
  const guarding = new AbortController();
  const guarded = guard(runDir, guarding.signal).done;
  const end = async (code: number): Promise<number> => {
    guarding.abort();
    await endMesh(runDir);
    return code;
  };
  const over = guarded.then((code) => {
    asked.abort();
    return { code };
  });
  const progress = new Progress(process.stdout);
  const first = await Promise.race([
    waitReady(runDir, options.timeout * 1_000, progress, asked.signal),
    over,
    signalled,
  ]);
  if (first === "signal") return ended(await end(0));
  if (first && "code" in first) {
    await forgetProcess(runDir, "watchdog");
    return first.code === 0 ? ended(0) : failed(runDir, logSize);
  }
  if (!first || !isReady(first)) {
    if (asked.signal.aborted) return ended(await end(0));
    notReady(first ? missingOf(first) : ["the supervisor does not answer"], options.timeout, runDir);
    return end(1);
  }
  process.stdout.write(summary(first, true, options.config === undefined));
  await tellRefused(runDir, first);
  const last = await Promise.race([over, signalled]);
  if (last === "signal") {
    process.stdout.write("\nending the mesh ...\n");
    return ended(await end(0));
  }
  await forgetProcess(runDir, "watchdog");
  return ended(last.code);
}

/** A mesh that is up may hold rules that nobody obeys: that is not a failure of the start, and has to be said. */
async function tellRefused(runDir: string, mesh: MeshStatus): Promise<void> {
  const text = await refusedObjects(mesh, (path) => callSupervisor(runDir, "GET", path), VERDICT_MS);
  if (text) process.stderr.write(redactText(`warning: ${text}\n`));
}

function ended(code: number): number {
  process.stdout.write("the mesh has ended; nothing was left behind\n");
  return code;
}

async function detached(runDir: string, options: UpOptions): Promise<number> {
  const logSize = supervisorLogSize(runDir);
  mkdirSync(join(runDir, "logs"), { recursive: true, mode: 0o700 });
  const out = openSync(join(runDir, "logs", "watchdog.log"), "a", 0o600);
  const entry = appEntry(ROOT, "apps/xebec").replace(/main\.(ts|mjs)$/, "watchdog-main.$1");
  const child = spawn(process.execPath, [...NODE_FLAGS, entry], {
    detached: true,
    stdio: ["ignore", out, out],
    env: { ...process.env, ...NODE_ENVIRONMENT, XEBEC_HOME: runDir },
  });
  closeSync(out);
  const gone = new Promise<"gone">((resolve) => {
    child.once("exit", () => resolve("gone"));
    child.once("error", () => resolve("gone"));
  });
  const stop = new AbortController();
  const progress = new Progress(process.stdout);
  const first = await Promise.race([waitReady(runDir, options.timeout * 1_000, progress, stop.signal), gone]);
  stop.abort();
  child.unref();
  if (first === "gone") return failed(runDir, logSize);
  if (first && isReady(first)) {
    process.stdout.write(summary(first, false, options.config === undefined));
    await tellRefused(runDir, first);
    return 0;
  }
  notReady(first ? missingOf(first) : ["the supervisor does not answer"], options.timeout, runDir);
  process.stderr.write('it goes on trying; see "xebec status", end it with "xebec down"\n');
  return 1;
}

function notReady(missing: readonly string[], timeout: number, runDir: string): void {
  process.stderr.write(`xebec: the mesh is not ready after ${timeout} s; logs are in ${join(runDir, "logs")}\n`);
  for (const each of missing) process.stderr.write(`  ${each}\n`);
}

function supervisorLog(runDir: string): string {
  return join(runDir, "logs", "supervisor.log");
}

function supervisorLogSize(runDir: string): number {
  const file = supervisorLog(runDir);
  return existsSync(file) ? statSync(file).size : 0;
}

/** The supervisor says in its last line why it could not start. */
function failed(runDir: string, from: number): number {
  const file = supervisorLog(runDir);
  const said = existsSync(file) ? readFileSync(file).subarray(from).toString("utf8") : "";
  const reason = said
    .split("\n")
    .filter((line) => line.startsWith("xebec: "))
    .at(-1);
  process.stderr.write(`${reason ?? "xebec: the mesh could not start"}; the log is ${file}\n`);
  return 1;
}
