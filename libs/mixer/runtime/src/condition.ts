import { keyOf, type ReasonOf, type Resource } from "@xebec/model-resources";

/**
 * What became of a configuration object: `attached` works for requests, `compiled` is valid and nothing uses it,
 * `ignored` is valid and no proxy asks for it, `rejected` has no effect.
 */
export type ConditionState = "attached" | "compiled" | "ignored" | "rejected";

export interface Condition {
  /** The object's key, `config.istio.io/rule/default/deny`. */
  readonly object: string;
  readonly state: ConditionState;
  /** One word for programs: `Compiled`, `InvalidExpression`, `UnknownAdapter`... */
  readonly reason: ReasonOf<"mixer">;
  /** A sentence for people: what is wrong, where, and what to do. */
  readonly message: string;
  /** `metadata.generation` of the object. */
  readonly observedGeneration?: number | undefined;
}

/** Collects one condition per object; the first rejection of an object stays. */
export class Conditions {
  readonly #all = new Map<string, Condition>();

  accept<S extends "attached" | "compiled" | "ignored">(
    resource: Resource,
    state: S,
    reason: ReasonOf<"mixer", S>,
    message: string,
  ): void {
    this.#put(resource, state, reason, message);
  }

  reject(resource: Resource, reason: ReasonOf<"mixer", "rejected">, message: string): void {
    if (this.#all.get(keyOf(resource))?.state !== "rejected") this.#put(resource, "rejected", reason, message);
  }

  list(): Condition[] {
    return [...this.#all.values()].sort((a, b) => (a.object < b.object ? -1 : 1));
  }

  #put(resource: Resource, state: ConditionState, reason: ReasonOf<"mixer">, message: string): void {
    const object = keyOf(resource);
    this.#all.set(object, { object, state, reason, message, observedGeneration: resource.generation });
  }
}
