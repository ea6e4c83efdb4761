import { Pace } from "@xebec/core-async";
import { logger } from "@xebec/core-log";
import { type ConfigPosition, contentHash, type Resource } from "@xebec/model-resources";
import type { Conditions, ConditionUpdate } from "@xebec/platform-bus";
import type { FileFault } from "./file-state.ts";

const log = logger("source");

/** Tells users what became of each object: as a condition, and of faults once in the log. */
export class Teller {
  readonly #conditions: Conditions | undefined;
  readonly #generation: (key: string) => number | undefined;
  readonly #told = new Map<string, string>();
  #refused: ReadonlyMap<string, ConditionUpdate> = new Map();

  /** @param generation gives `metadata.generation` of a published object */
  constructor(conditions: Conditions | undefined, generation: (key: string) => number | undefined) {
    this.#conditions = conditions;
    this.#generation = generation;
  }

  /** Tells what is refused, whether or not the bus takes anything. @param resources what is in use, by `keyOf` */
  refuse(faults: readonly FileFault[], resources: ReadonlyMap<string, Resource>): void {
    const byObject = new Map<string, FileFault>();
    for (const fault of faults) {
      const first = byObject.get(fault.object);
      byObject.set(
        fault.object,
        first ? { ...first, message: `${first.message}; line ${fault.line}: ${fault.message}` } : fault,
      );
    }
    for (const [object, fault] of byObject) {
      const text = `${fault.path}:${fault.line}: ${fault.message}`;
      if (this.#told.get(object) !== text) log.warn({ object, file: fault.path, line: fault.line }, text);
      this.#told.set(object, text);
    }
    for (const object of [...this.#told.keys()]) if (!byObject.has(object)) this.#told.delete(object);
    this.#refused = new Map([...byObject].map(([key, fault]) => [key, refused(fault, resources.get(key))]));
    for (const each of this.#refused.values()) this.#conditions?.set(each);
  }

  /**
   * Makes this all that is told, once it is published.
   * @param resources what is in use, by `keyOf`
   * @param position how far that brings galley; undefined when the bus was not asked for anything
   */
  async published(resources: ReadonlyMap<string, Resource>, position: ConfigPosition | undefined): Promise<void> {
    // Before the objects: whoever sees an object's new mark knows a revision that has it.
    if (position) await this.#conditions?.observed(position);
    const pace = new Pace();
    const told = [...this.#refused.values()];
    for (const [key, resource] of resources) {
      if (this.#refused.has(key)) continue;
      if (pace.isDue) await pace.rest();
      const update = accepted(key, resource, this.#generation(key));
      told.push(update);
      this.#conditions?.set(update);
    }
    this.#conditions?.replace(told);
  }
}

function refused(fault: FileFault, inUse: Resource | undefined): ConditionUpdate {
  return {
    object: fault.object,
    reason: "Invalid",
    message: inUse ? `${fault.message} (the last good version stays in use)` : fault.message,
    source: fault.path,
    line: fault.line,
    ...(inUse ? { contentHash: contentHash(inUse) } : {}),
  };
}

function accepted(object: string, resource: Resource, generation: number | undefined): ConditionUpdate {
  const { origin } = resource;
  const place = origin ? { source: origin.source, ...(origin.line ? { line: origin.line } : {}) } : {};
  return {
    ...{ object, reason: "Accepted", message: "", observedGeneration: generation, ...place },
    contentHash: contentHash(resource),
  };
}
