import { logger } from "@xebec/core-log";
import type { Resource } from "@xebec/model-resources";
import type { Conditions, ConditionUpdate } from "@xebec/platform-bus";
import type { FileFault } from "./file-state.ts";

const log = logger("source");

/** Tells users what became of each object: as a condition, and of faults once in the log. */
export class Teller {
  readonly #conditions: Conditions | undefined;
  readonly #told = new Map<string, string>();

  constructor(conditions: Conditions | undefined) {
    this.#conditions = conditions;
  }

  /** Makes this all that is told. @param resources what is in use, by `keyOf` */
  tell(faults: readonly FileFault[], resources: ReadonlyMap<string, Resource>): void {
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
    this.#conditions?.replace([
      ...[...byObject.values()].map((fault) => refused(fault, resources.has(fault.object))),
      ...[...resources].flatMap(([key, resource]) => (byObject.has(key) ? [] : [accepted(key, resource)])),
    ]);
  }
}

function refused(fault: FileFault, inUse: boolean): ConditionUpdate {
  return {
    object: fault.object,
    state: "rejected",
    reason: "Invalid",
    message: inUse ? `${fault.message} (the last good version stays in use)` : fault.message,
    source: fault.path,
    line: fault.line,
  };
}

function accepted(object: string, { origin }: Resource): ConditionUpdate {
  const place = origin ? { source: origin.source, ...(origin.line ? { line: origin.line } : {}) } : {};
  return { object, state: "accepted", reason: "Accepted", message: "", ...place };
}
