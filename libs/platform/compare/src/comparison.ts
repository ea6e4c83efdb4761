import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { XebecError } from "@xebec/core-errors";
import { OTHERS } from "./components.ts";
import { machine, versions } from "./environment.ts";
import { costTable } from "./facts/cost.ts";
import { type Holdings, holdingsOf } from "./facts/holdings.ts";
import { trustTables } from "./facts/trust.ts";
import { startGuard } from "./guard.ts";
import { ISTIOD_NOTE, notWithIstiod } from "./istiod-limits.ts";
import { IstiodMesh } from "./istiod-mesh.ts";
import { ComparedMesh } from "./mesh.ts";
import { otherBuild } from "./other-build.ts";
import { OutFolder } from "./out-folder.ts";
import { RESULTS_FORMAT, type Results, type Sample, summarize } from "./results.ts";
import { runScenario } from "./run-scenario.ts";
import type { Scenario } from "./scenario.ts";

/** A third one, `istiod`, is Istio's own program. */
export const SHAPES = ["services", "monolith"] as const;

export interface ComparisonOptions {
  /** What `xebec` is started with: a program and its first arguments. */
  readonly command: readonly string[];
  /** The folder of the sources, for the facts about them. */
  readonly root: string;
  readonly scenarios: readonly Scenario[];
  readonly shapes: readonly string[];
  /** `pilot-discovery`, where `istiod` is a shape. */
  readonly istiod?: string | undefined;
  /** The folder of the build by which components are replaced; else another bundle of the same sources. */
  readonly build?: string | undefined;
  readonly repetitions: number;
  readonly quick: boolean;
  readonly out: string;
  readonly resume: boolean;
  /** As it was typed. */
  readonly commandLine: string;
  readonly signal: AbortSignal;
  progress(text: string): void;
}

/**
 * Runs all scenarios with all shapes alternately, and writes `results.json` and `report.html`. What is done stays when it is broken off.
 * @returns what was found; `complete` is false when the signal has ended it
 * @throws XebecError failed_precondition when the folder holds another comparison
 */
export async function runComparison(options: ComparisonOptions): Promise<Results> {
  const { scenarios, shapes, build, repetitions, quick, out, resume, signal } = options;
  const steps = scenarios.map((each) => ({ name: each.name, steps: each.steps }));
  const folder = new OutFolder(out, { shapes, build, repetitions, quick, scenarios: steps }, resume);
  const started = new Date().toISOString();
  const machineBefore = machine();
  const runs = mkdtempSync(join(tmpdir(), "xebec-compare-"));
  const endGuard = startGuard(options.command, runs);
  try {
    for (let repetition = 1; repetition <= repetitions && !signal.aborted; repetition++) {
      // Whatever changes on the machine while time goes by must not fall on one shape alone.
      const order = repetition % 2 === 1 ? shapes : [...shapes].reverse();
      for (const shape of order) if (!signal.aborted) await runShape(options, folder, runs, shape, repetition);
    }
  } finally {
    await endGuard();
  }
  const parts = folder.parts(scenarios.map(({ name }) => name));
  const samples: Sample[] = parts.flatMap((part) => part.samples);
  const results: Results = {
    format: RESULTS_FORMAT,
    command: options.commandLine,
    started,
    ended: new Date().toISOString(),
    complete: parts.length === scenarios.length * shapes.length * repetitions,
    machine: machineBefore,
    versions: versions(options),
    ...{ shapes, repetitions },
    scenarios: scenarios.map(({ name, question, about }) => ({ name, question, about })),
    samples,
    summaries: summarize(samples, shapes),
    facts: [...trustTables(folder.holdings(shapes)), costTable(options.root)],
    notApplicable: [
      ...(shapes.includes("istiod") ? [ISTIOD_NOTE] : []),
      ...new Set(
        parts.flatMap((part) => part.notApplicable?.map((text) => `${part.shape}, ${part.scenario}: ${text}`) ?? []),
      ),
    ],
    problems: parts.flatMap((part) => part.problems.map((text) => `${part.shape}, ${part.scenario}: ${text}`)),
  };
  await folder.finish(results);
  return results;
}

/** One mesh, and all scenarios that are not done yet with it. */
async function runShape(
  { command, root, build, istiod, scenarios, repetitions, signal, progress }: ComparisonOptions,
  folder: OutFolder,
  runs: string,
  shape: string,
  repetition: number,
): Promise<void> {
  const open = scenarios.filter(({ name }) => !folder.has(name, shape, repetition));
  if (open.length === 0) return;
  const runDir = join(runs, shape);
  const mesh =
    shape === "istiod"
      ? new IstiodMesh(command, runDir, signal, { root, istiod: istiod as string })
      : new ComparedMesh(shape, command, runDir, signal);
  let isUp = false;
  let cache: "cold" | "warm" = "cold";
  try {
    for (const scenario of open) {
      const label = `${repetition}/${repetitions} ${shape} ${scenario.name}`;
      progress(label);
      const samples: Sample[] = [];
      const problems: string[] = [];
      const notApplicable: string[] = [];
      let prefix = "";
      try {
        const isCuttable = scenario.steps.some(({ fault }) => fault?.action === "cut");
        if (isUp && (mesh.isCuttable !== isCuttable || !mesh.hasReplicas({}))) {
          await mesh.end();
          isUp = false;
        }
        mesh.isCuttable = isCuttable;
        if (!isUp) await mesh.start(cache, {});
        isUp = true;
        cache = "warm";
        if (shape !== "istiod" && !folder.hasHoldings(shape)) folder.addHoldings(shape, holdingsOfMesh(mesh));
        await runScenario(
          {
            ...{ mesh, command, signal },
            build: () => build ?? otherBuild(root, join(runs, "build")),
            named: (text) => {
              prefix = text;
            },
            sample: (group, figure, unit, value) =>
              samples.push({ scenario: scenario.name, group: prefix + group, figure, unit, shape, repetition, value }),
            ...(shape === "istiod" ? { whyNot: notWithIstiod } : {}),
            notApplicable: (text) => notApplicable.push(text),
            problem: (text) => problems.push(text),
            progress: (text) => progress(`${label}: ${text}`),
          },
          scenario,
        );
      } catch (error) {
        if (signal.aborted) return;
        problems.push(XebecError.from(error).message);
        progress(`${label}: ${problems.at(-1)}`);
        // The next scenario gets a mesh that nothing has happened to.
        await mesh.end();
        isUp = false;
        cache = "cold";
      }
      folder.add({ scenario: scenario.name, shape, repetition, samples, problems, notApplicable });
    }
  } finally {
    await mesh.end();
  }
}

/** What the components hold. */
function holdingsOfMesh(mesh: ComparedMesh): Readonly<Record<string, Holdings>> {
  const components = [...mesh.processes()].filter(([name]) => !OTHERS.includes(name));
  return Object.fromEntries(components.map(([name, pids]) => [name, holdingsOf(pids, mesh.runDir)]));
}
