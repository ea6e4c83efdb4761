import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { XebecError } from "@xebec/core-errors";
import type { Results, Sample } from "./results.ts";

/** What a run was asked for; a resumed one must be asked for the same. */
export interface RunRequest {
  readonly shapes: readonly string[];
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
    this.#write(this.#part(part.scenario, part.shape, part.repetition), JSON.stringify(part, undefined, 1));
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

  finish(results: Results, html: string): void {
    this.#write(join(this.path, "results.json"), `${JSON.stringify(results, undefined, 1)}\n`);
    this.#write(join(this.path, "report.html"), html);
  }

  #part(scenario: string, shape: string, repetition: number): string {
    return join(this.path, "parts", `${String(repetition).padStart(3, "0")}-${shape}-${scenario}.json`);
  }

  /** A file is whole, or it is not there. */
  #write(path: string, text: string): void {
    writeFileSync(`${path}.tmp`, text);
    renameSync(`${path}.tmp`, path);
  }
}
