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

/** A condition that also depends on who asks for quotas. */
export interface CompiledCondition extends Condition {
  /** Quotas that no proxy asks for: short names of their instances, in lower case. */
  readonly unasked?: readonly string[];
  /** Nothing of the object but these quotas has an effect. */
  readonly onlyQuotas?: boolean;
}

/** A proxy takes from the quotas that QuotaSpecs name (docs/reference/mixer.md §1.2). */
const NO_PROXY_ASKS =
  "no QuotaSpec that is bound to a service names the quota, and neither Envoy's rate limit service nor a client of Mixer's Check API has asked for it yet";

/**
 * Says of quotas that nobody asks for that they limit nothing.
 * @param asked the quotas that were asked for by name, in lower case
 */
export function withQuotas(conditions: readonly CompiledCondition[], asked: ReadonlySet<string>): readonly Condition[] {
  return conditions.map(({ unasked, onlyQuotas, ...condition }) => {
    const { state, reason, message } = condition;
    if (state !== "attached" || !unasked || unasked.every((name) => asked.has(name))) return condition;
    if (reason !== "PartlyRejected" && onlyQuotas && !unasked.some((name) => asked.has(name)))
      return { ...condition, state: "ignored", reason: "NoProxyAsks", message: NO_PROXY_ASKS };
    const before = reason === "PartlyRejected" ? message : "in effect, but not all of it";
    const joint = reason === "PartlyRejected" ? "; " : ": ";
    return { ...condition, reason: "PartlyRejected", message: `${before}${joint}${NO_PROXY_ASKS}` };
  });
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
  readonly #all = new Map<string, CompiledCondition>();

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

  /** Notes the quotas of an object that no QuotaSpec names. @param onlyQuotas nothing else of it has an effect */
  unasked(resource: Resource, names: readonly string[], onlyQuotas: boolean): void {
    const condition = this.#all.get(keyOf(resource));
    if (condition) this.#all.set(condition.object, { ...condition, unasked: names, onlyQuotas });
  }

  list(): CompiledCondition[] {
    return [...this.#all.values()].sort((a, b) => (a.object < b.object ? -1 : 1));
  }

  #put(resource: Resource, state: ConditionState, reason: ReasonOf<"mixer">, message: string): void {
    const object = keyOf(resource);
    this.#all.set(object, { object, state, reason, message, observedGeneration: resource.generation });
  }
}
