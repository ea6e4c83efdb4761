import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { XebecError } from "@xebec/core-errors";
import type { Holdings } from "./facts/holdings.ts";
import { report } from "./report/report.ts";
import { RESULTS_FORMAT, type Results, type Sample } from "./results.ts";

/** @param path the folder of a comparison @throws XebecError not_found, invalid_argument */
export function readResults(path: string): Results {
  const file = join(path, "results.json");
  if (!existsSync(file))
    throw new XebecError(
      "not_found",
      `${file} does not exist: name the folder of a comparison that has ended (its --out)`,
    );
  let results: Partial<Results>;
  try {
    results = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new XebecError("invalid_argument", `${file}: ${(error as Error).message}`);
  }
  if (results.format !== RESULTS_FORMAT)
    throw new XebecError("invalid_argument", `${file} was written by another version; measure again`);
  return results as Results;
}

/** Draws the report of a comparison. @param path its folder */
export async function writeReport(path: string, results: Results): Promise<void> {
  writeWhole(join(path, "report.html"), await report(results));
}

/** What a run was asked for; a resumed one must be asked for the same. */
export interface RunRequest {
  readonly shapes: readonly string[];
  /** The folder of the other build. */
  readonly build?: string | undefined;
  readonly repetitions: number;
  readonly quick: boolean;
  /** Names, and what is done: another content is another run. */
  readonly scenarios: readonly { readonly name: string; readonly steps: unknown }[];
}

/** What came of one scenario with one shape, once. */
export interface Part {
  readonly scenario: string;
  readonly shape: string;
  readonly repetition: number;
  readonly samples: readonly Sample[];
  readonly problems: readonly string[];
  /** Absent in what an earlier version wrote. */
  readonly notApplicable?: readonly string[];
}

/** The folder of a comparison: the request, a file for each part that is done, and what is made of them. */
export class OutFolder {
  readonly path: string;

  /**
   * @param resume goes on with a run that was broken off
   * @throws XebecError failed_precondition when there is another run, or none to go on with
   */
  constructor(path: string, request: RunRequest, resume: boolean) {
    this.path = path;
    const file = join(path, "request.json");
    const text = JSON.stringify(request, undefined, 2);
    if (existsSync(file)) {
      if (!resume)
        throw new XebecError(
          "failed_precondition",
          `${path} has a comparison already; go on with it (--resume), or name another folder (--out)`,
        );
      if (readFileSync(file, "utf8") !== text)
        throw new XebecError(
          "failed_precondition",
          `${path} was asked for something else: use the same scenarios, --shapes, --repeat and --quick as then`,
        );
      return;
    }
    if (resume) throw new XebecError("failed_precondition", `${path} has no comparison to go on with`);
    mkdirSync(join(path, "parts"), { recursive: true });
    writeFileSync(file, text);
  }

  has(scenario: string, shape: string, repetition: number): boolean {
    return existsSync(this.#part(scenario, shape, repetition));
  }

  add(part: Part): void {
    writeWhole(this.#part(part.scenario, part.shape, part.repetition), JSON.stringify(part, undefined, 1));
  }

  hasHoldings(shape: string): boolean {
    return existsSync(this.#holdings(shape));
  }

  /** Notes what the components of a shape hold, which is the same in each repetition. */
  addHoldings(shape: string, holdings: Readonly<Record<string, Holdings>>): void {
    writeWhole(this.#holdings(shape), JSON.stringify(holdings, undefined, 1));
  }

  /** What is known of the components of each shape that ran. */
  holdings(shapes: readonly string[]): Readonly<Record<string, Readonly<Record<string, Holdings>>>> {
    const known = shapes.filter((shape) => this.hasHoldings(shape));
    return Object.fromEntries(known.map((shape) => [shape, JSON.parse(readFileSync(this.#holdings(shape), "utf8"))]));
  }

  /** What is done, in the order of the scenarios, then of the repetitions. */
  parts(scenarios: readonly string[]): Part[] {
    const folder = join(this.path, "parts");
    const read = readdirSync(folder)
      .filter((name) => name.endsWith(".json"))
      .sort()
      .map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as Part);
    return scenarios.flatMap((scenario) => read.filter((part) => part.scenario === scenario));
  }

  async finish(results: Results): Promise<void> {
    writeWhole(join(this.path, "results.json"), `${JSON.stringify(results, undefined, 1)}\n`);
    await writeReport(this.path, results);
  }

  #holdings(shape: string): string {
    return join(this.path, `holdings-${shape}.json`);
  }

  #part(scenario: string, shape: string, repetition: number): string {
    return join(this.path, "parts", `${String(repetition).padStart(3, "0")}-${shape}-${scenario}.json`);
  }
}

/** A file is whole, or it is not there. */
function writeWhole(path: string, text: string): void {
  writeFileSync(`${path}.tmp`, text);
  renameSync(`${path}.tmp`, path);
}
