import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { XebecError } from "@xebec/core-errors";
import {
  guard,
  readResults,
  readScenario,
  resultMarkdown,
  resultText,
  runComparison,
  runProxies,
  type Scenario,
  SHAPES,
  writeReport,
} from "@xebec/platform-compare";
import { ROOT } from "../paths.ts";

const SCENARIOS = join(ROOT, "libs/platform/compare/scenarios");
/** Order of the scenarios that are run when none is named. */
const ALL = ["start", "rest", "change", "traffic", "upgrade", "scale", "failure"];
const INTERRUPTED = 130;

export interface CompareOptions {
  readonly shapes: string;
  readonly quick?: true;
  readonly repeat?: number;
  readonly withBuild?: string;
  readonly out: string;
  readonly resume?: true;
  /** Folder of a comparison that is to be printed. */
  readonly summary?: string;
  readonly output: "text" | "markdown";
  /** Hidden: this process is the guard of the meshes in that folder. */
  readonly guard?: string;
  /** Hidden: this process is the synthetic proxies. */
  readonly proxies?: true;
}

/** `xebec compare`: runs scenarios with several shapes of the control plane. @returns the exit code: 1 when something could not be measured */
export async function compare(names: readonly string[], options: CompareOptions): Promise<number> {
  const command = [process.execPath, join(ROOT, "apps/xebec/bin/xebec.mjs")];
  if (options.guard !== undefined) {
    await guard(command, options.guard, process.stdin);
    return 0;
  }
  if (options.proxies) {
    await runProxies(process.stdin, process.stdout);
    // Its connections would keep it alive.
    process.exit(0);
  }
  if (options.summary !== undefined) return printSummary(resolve(options.summary), options.output);
  const quick = options.quick === true;
  const asked = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => {
      if (!asked.signal.aborted) process.stderr.write("\nending the meshes; what is done is kept ...\n");
      asked.abort();
    });
  const began = Date.now();
  const results = await runComparison({
    command,
    root: ROOT,
    scenarios: scenariosOf(names, quick),
    ...shapesOf(options.shapes),
    build: options.withBuild === undefined ? undefined : buildFolder(options.withBuild),
    repetitions: options.repeat ?? (quick ? 1 : 5),
    quick,
    out: resolve(options.out),
    resume: options.resume === true,
    commandLine: ["xebec", ...process.argv.slice(2)].join(" "),
    signal: asked.signal,
    progress: (text) =>
      process.stderr.write(`${String(Math.round((Date.now() - began) / 1_000)).padStart(5)} s  ${text}\n`),
  });
  process.stdout.write(`${resultText(results)}\n${join(resolve(options.out), "report.html")}\n`);
  // Signals may come twice; the meshes are gone by now.
  await sleep(0);
  if (asked.signal.aborted) return INTERRUPTED;
  return results.problems.length > 0 ? 1 : 0;
}

async function printSummary(folder: string, output: CompareOptions["output"]): Promise<number> {
  const results = readResults(folder);
  await writeReport(folder, results);
  process.stdout.write(output === "markdown" ? resultMarkdown(results) : resultText(results));
  return 0;
}

function scenariosOf(names: readonly string[], quick: boolean): Scenario[] {
  const scenarios = (names.length > 0 ? names : ALL).map((name) => readScenario(fileOf(name), quick));
  const twice = scenarios.find((each, i) => scenarios.findIndex(({ name }) => name === each.name) !== i);
  if (twice) throw new XebecError("invalid_argument", `two scenarios have the name ${twice.name}`);
  return scenarios;
}

function buildFolder(name: string): string {
  const folder = resolve(name);
  if (existsSync(join(folder, "apps"))) return folder;
  throw new XebecError("invalid_argument", `--with-build: ${folder} has no folder "apps" with the programs of a build`);
}

function fileOf(name: string): string {
  if (/[./]/.test(name)) return resolve(name);
  const file = join(SCENARIOS, `${name}.yaml`);
  if (existsSync(file)) return file;
  throw new XebecError(
    "invalid_argument",
    `there is no scenario "${name}"; there are ${ALL.join(", ")}; a file of your own is named by its path`,
  );
}

/** @returns the shapes, and the program of `istiod=PATH` */
function shapesOf(text: string): { readonly shapes: string[]; readonly istiod?: string } {
  let istiod: string | undefined;
  const shapes = text.split(",").map((each) => {
    const [shape = "", path] = each.trim().split("=", 2);
    if (shape === "istiod" && path) istiod = resolve(path);
    else if (path !== undefined || !(SHAPES as readonly string[]).includes(shape))
      throw new XebecError(
        "invalid_argument",
        `--shapes: "${each.trim()}" is not one of ${SHAPES.join(", ")}, istiod=PATH with the path of pilot-discovery`,
      );
    return shape;
  });
  if (new Set(shapes).size !== shapes.length) throw new XebecError("invalid_argument", "--shapes names one twice");
  if (istiod !== undefined && !existsSync(istiod))
    throw new XebecError("invalid_argument", `--shapes: ${istiod} does not exist`);
  return { shapes, ...(istiod === undefined ? {} : { istiod }) };
}
