import { keyOf, parseKey, type ReasonOf, type Resource } from "@xebec/model-resources";
import type { HandlerState } from "./guarded-handler.ts";

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

/** Adds to handlers' conditions how they do now. @param states of the handlers in use */
export function withHealth(conditions: readonly Condition[], states: readonly HandlerState[]): readonly Condition[] {
  const ill = states.filter((each) => each.health !== "ready");
  if (ill.length === 0) return conditions;
  const byName = new Map(ill.map((each) => [each.handler, each]));
  return conditions.map((each) => {
    const { kind, namespace, name } = parseKey(each.object);
    const shown = kind === "handler" ? `${name}.${namespace}` : `${name}.${kind}.${namespace}`;
    const state = each.state === "attached" ? byName.get(shown) : undefined;
    if (!state) return each;
    const message = `${state.health}: ${state.why ?? "calls fail"}; ${MEANS[state.failure]}`;
    return { ...each, reason: state.health === "failing" ? "Failing" : "Degraded", message };
  });
}

const MEANS: Readonly<Record<HandlerState["failure"], string>> = {
  open: "requests pass meanwhile (mixer.xebec.io/failure: open)",
  closed: "requests are denied meanwhile (mixer.xebec.io/failure: closed)",
  caller: "calls fail meanwhile, and policyCheckFailOpen of the mesh decides",
};

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
