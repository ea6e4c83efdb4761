import { Turns } from "@xebec/core-async";
import { logger } from "@xebec/core-log";
import { type ConfigPosition, contentHash, type Resource } from "@xebec/model-resources";
import type { Conditions, ConditionUpdate } from "@xebec/platform-bus";
import type { ConfigError } from "./config-source.ts";

const log = logger("source");

/** Reports what became of each object: as a condition, and errors once in the log. */
export class StatusReporter {
  readonly #conditions: Conditions | undefined;
  readonly #generation: (key: string) => number | undefined;
  /** Errors that the log has, by object. */
  readonly #logged = new Map<string, string>();
  /** What was reported of objects that are in use: an object that did not change has the same. */
  readonly #accepted = new WeakMap<Resource, ConditionUpdate>();
  #refused: ReadonlyMap<string, ConditionUpdate> = new Map();
  /** What was refused when objects were reported last; undefined before the first time. */
  #wasRefused: ReadonlySet<string> | undefined;

  /** @param generation gives `metadata.generation` of a published object */
  constructor(conditions: Conditions | undefined, generation: (key: string) => number | undefined) {
    this.#conditions = conditions;
    this.#generation = generation;
  }

  /** Reports what is refused, whether or not the bus takes anything. @param resources what is in use, by `keyOf` */
  refused(errors: readonly ConfigError[], resources: ReadonlyMap<string, Resource>): void {
    const byObject = new Map<string, ConfigError>();
    for (const error of errors) {
      const first = byObject.get(error.object);
      byObject.set(
        error.object,
        first
          ? { ...first, message: `${first.message}; ${error.line ? `line ${error.line}: ` : ""}${error.message}` }
          : error,
      );
    }
    for (const [object, error] of byObject) {
      const text = `${error.source}${error.line ? `:${error.line}` : ""}: ${error.message}`;
      if (this.#logged.get(object) !== text) log.warn({ object, file: error.source, line: error.line }, text);
      this.#logged.set(object, text);
    }
    for (const object of [...this.#logged.keys()]) if (!byObject.has(object)) this.#logged.delete(object);
    this.#refused = new Map([...byObject].map(([key, error]) => [key, refused(error, resources.get(key))]));
    for (const each of this.#refused.values()) this.#conditions?.set(each);
  }

  /**
   * Reports what is in use, once it is published. The first time these are all the conditions that there are: those of an earlier run go.
   * @param resources what is in use, by `keyOf`
   * @param changed the keys of the objects that are others, or gone
   * @param position how far that brings galley; undefined when the bus was not asked for anything
   */
  async published(
    resources: ReadonlyMap<string, Resource>,
    changed: ReadonlySet<string>,
    position: ConfigPosition | undefined,
  ): Promise<void> {
    // Before the objects: whoever sees an object's new hash knows a revision that has it.
    if (position) await this.#conditions?.observed(position);
    if (!this.#conditions) return;
    const turns = new Turns(256, 1);
    const first = this.#wasRefused === undefined;
    // What is not refused any more has its own condition again, or none.
    const due = first ? resources.keys() : new Set([...changed, ...(this.#wasRefused ?? [])]);
    const updates: ConditionUpdate[] = [...this.#refused.values()];
    const now = new Set(this.#refused.keys());
    for (const key of due) {
      if (now.has(key)) continue;
      await turns.next();
      const resource = resources.get(key);
      if (!resource) {
        this.#conditions.clear(key);
        continue;
      }
      const update = this.#acceptedOf(key, resource);
      if (first) updates.push(update);
      this.#conditions.set(update);
    }
    if (first) this.#conditions.replace(updates);
    this.#wasRefused = now;
  }

  #acceptedOf(key: string, resource: Resource): ConditionUpdate {
    const generation = this.#generation(key);
    const known = this.#accepted.get(resource);
    if (known && known.observedGeneration === generation) return known;
    const update = accepted(key, resource, generation);
    this.#accepted.set(resource, update);
    return update;
  }
}

function refused(error: ConfigError, inUse: Resource | undefined): ConditionUpdate {
  return {
    object: error.object,
    reason: "Invalid",
    message: inUse ? `${error.message} (the last good version stays in use)` : error.message,
    source: error.source,
    ...(error.line ? { line: error.line } : {}),
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
