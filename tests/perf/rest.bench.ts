import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { sleep } from "@xebec/core-async";
import { type ProcessCost, processCost, processesWithEnv, RUN_ID_ENV } from "@xebec/platform-process";
import { freeAddressBlock, freePort, tempDir } from "@xebec/testing-launch";
import type { Figure } from "./table.ts";

const XEBEC = join(import.meta.dirname, "../../apps/xebec/bin/xebec.mjs");
const WINDOW_MS = 40_000;
/** The start leaves work behind (compile caches are written, heaps shrink); then it is quiet. In milliseconds. */
const STEP_MS = 5_000;
const QUIET_MS = 30_000;
const LATEST_MS = 120_000;
/** A step that needed no less than this part of the one before: it does not get quieter any more. */
const STEADY = 0.85;
const MIB = 1024;

/** What is measured as one line: the processes of one kind. */
interface Group {
  readonly name: string;
  readonly pids: readonly number[];
}

/** Processor time, wake-ups and memory of a mesh (Bookinfo, seven pods) to which nobody talks. */
export async function restFigures(): Promise<Figure[]> {
  using folder = tempDir();
  const env = { ...process.env, XEBEC_HOME: folder.file("run") };
  const address = ["--ingress-port", String(await freePort()), "--address-block", String(freeAddressBlock())];
  await xebec(["up", "--detach", ...address], env);
  try {
    const groups = groupsOf(folder.file("run"));
    const all = groups.flatMap((group) => group.pids);
    await quiet(all);
    const before = costs(all);
    const began = performance.now();
    await sleep(WINDOW_MS);
    const after = costs(all);
    const seconds = (performance.now() - began) / 1_000;
    const lines = groups.map((group) => figureOf(group, before, after, seconds));
    return [...lines, figureOf({ name: "the whole mesh", pids: all }, before, after, seconds, true)];
  } finally {
    await xebec(["down"], env);
  }
}

async function xebec(args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const child = spawn(process.execPath, [XEBEC, ...args], { env, stdio: ["ignore", "ignore", "pipe"] });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const said = await text(child.stderr);
  if ((await ended) !== 0) throw new Error(`xebec ${args[0]}: ${said}`);
}

function groupsOf(runDir: string): Group[] {
  const read = <T>(name: string): T => JSON.parse(readFileSync(join(runDir, name), "utf8")) as T;
  const { runId, processes } = read<{ runId: string; processes: Record<string, { pid: number }> }>("state.json");
  const groups = new Map<string, number[]>();
  const add = (name: string, pid: number): unknown => groups.set(name, [...(groups.get(name) ?? []), pid]);
  for (const name of ["watchdog", "supervisor"]) add(name, read<{ pid: number }>(`${name}.json`).pid);
  for (const [name, { pid }] of Object.entries(processes)) {
    const [kind, first, , container] = name.split("/");
    add(kind === "service" ? (first as string) : container === "istio-proxy" ? "pilot-agent" : "sample", pid);
  }
  const known = new Set([...groups.values()].flat());
  for (const { pid } of processesWithEnv(RUN_ID_ENV, runId))
    if (!known.has(pid)) add(readFileSync(`/proc/${pid}/comm`, "utf8").startsWith("envoy") ? "Envoy" : "other", pid);
  return [...groups].map(([name, pids]) => ({ name, pids }));
}

function costs(pids: readonly number[]): Map<number, ProcessCost> {
  return new Map(
    pids.map((pid) => {
      const cost = processCost(pid);
      if (!cost) throw new Error(`process ${pid} has ended while the mesh was measured`);
      return [pid, cost];
    }),
  );
}

/** Waits until the mesh needs as little as it will. */
async function quiet(pids: readonly number[]): Promise<void> {
  const cpu = (): number => pids.reduce((sum, pid) => sum + (processCost(pid)?.cpuNs ?? 0), 0);
  const began = performance.now();
  let last = Number.POSITIVE_INFINITY;
  for (let start = cpu(); performance.now() - began < LATEST_MS; ) {
    await sleep(STEP_MS);
    const now = cpu();
    if (performance.now() - began >= QUIET_MS && now - start >= last * STEADY) return;
    last = now - start;
    start = now;
  }
}

function figureOf(
  { name, pids }: Group,
  before: ReadonlyMap<number, ProcessCost>,
  after: ReadonlyMap<number, ProcessCost>,
  seconds: number,
  sum = false,
): Figure {
  const parts = sum ? 1 : pids.length;
  const of = (values: ReadonlyMap<number, ProcessCost>, key: keyof ProcessCost): number =>
    pids.reduce((total, pid) => total + (values.get(pid)?.[key] ?? 0), 0) / parts;
  const cpu = (of(after, "cpuNs") - of(before, "cpuNs")) / 1e9 / seconds;
  const wakeUps = (of(after, "wakeUps") - of(before, "wakeUps")) / seconds;
  const memory = `${(of(after, "pssKib") / MIB).toFixed(1)} MiB PSS, ${(of(after, "rssKib") / MIB).toFixed(0)} RSS`;
  return {
    what: `at rest: ${name}${parts > 1 ? `, each of ${parts}` : ""}`,
    value: `${memory}, ${wakeUps.toFixed(1)} wake-ups/s`,
    cpu: `${(cpu * 100).toFixed(3)} % of a core`,
    goal: GOALS[name] ?? (SERVICE.has(name) ? "80 MiB" : ""),
  };
}

const GOALS: Readonly<Record<string, string>> = {
  "pilot-agent": "0.1 %, 25 MiB",
  supervisor: "0.3 %",
};
const SERVICE: ReadonlySet<string> = new Set([
  ...["galley", "pilot", "citadel", "sidecar-injector", "mixer-policy", "mixer-telemetry"],
]);
