import type { MessageName } from "./message.ts";
import type { AnalyzedObject } from "./object.ts";
import type { World } from "./world.ts";

/** Takes a finding. @param path where in the object; all of it when absent */
export type Report = (
  name: MessageName,
  object: AnalyzedObject,
  text: string,
  path?: readonly (string | number)[],
) => void;

/** Looks for one sort of mistake. It is a pure function of all objects. */
export interface Analyzer {
  /** Istio's name of the analyzer. */
  readonly name: string;
  /** It runs only when it is asked for by its name. */
  readonly onlyByName?: boolean;
  analyze(world: World, report: Report): void;
}
