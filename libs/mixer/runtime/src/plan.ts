import type { AttributeBag, Layout } from "@xebec/model-attributes";
import type { CompiledExpression } from "@xebec/model-expr";
import type { HandlerSlot } from "./handlers.ts";
import type { InstancePlan } from "./instance-plan.ts";
import type { HeaderOperation } from "./outcome.ts";
import type { OutputSlot } from "./outputs.ts";
import type { Preprocess } from "./preprocess.ts";

/** One instance on its way to one handler. */
export interface Action {
  readonly handler: HandlerSlot;
  readonly instance: InstancePlan;
  /** Where header operations of the rule read what a check gives back. */
  readonly output?: readonly OutputSlot[];
}

/** What is done when a condition holds; no condition always holds. */
export interface Group<T> {
  readonly match: CompiledExpression | undefined;
  readonly items: T[];
}

/** A header operation of a rule; the value is undefined for REMOVE. */
export interface HeaderPlan {
  readonly name: string;
  readonly operation: HeaderOperation["operation"];
  readonly on: "request" | "response";
  readonly value: CompiledExpression | undefined;
}

/** What is done for the requests of one namespace. */
export interface Plan {
  readonly preprocess: readonly Group<Preprocess>[];
  readonly check: readonly Group<Action>[];
  readonly headers: readonly Group<HeaderPlan>[];
  readonly quota: readonly Group<Action>[];
  readonly report: readonly Group<Action>[];
}

export const EMPTY_PLAN: Plan = { preprocess: [], check: [], headers: [], quota: [], report: [] };

/** Gathers what a namespace's rules do; rules with the same condition share its evaluation. */
export class PlanBuilder {
  readonly preprocess = new Map<string, Group<Preprocess>>();
  readonly check = new Map<string, Group<Action>>();
  readonly headers = new Map<string, Group<HeaderPlan>>();
  readonly quota = new Map<string, Group<Action>>();
  readonly report = new Map<string, Group<Action>>();

  add<T>(table: Map<string, Group<T>>, match: CompiledExpression | undefined, items: readonly T[]): void {
    if (items.length === 0) return;
    const key = match?.text ?? "";
    const group = table.get(key) ?? { match, items: [] };
    table.set(key, group);
    group.items.push(...items);
  }
}

/**
 * The plan of a namespace: the default namespace's rules, then its own (docs/reference/mixer.md §7.3). Header operations are not
 * inherited by a namespace with checks or header operations of its own.
 */
export function mergePlans(inherited: PlanBuilder | undefined, own: PlanBuilder | undefined): Plan {
  const both = <T>(table: (builder: PlanBuilder) => Map<string, Group<T>>): Group<T>[] => {
    const groups = new Map<string, Group<T>>();
    for (const builder of [inherited, own])
      for (const [key, { match, items }] of builder ? table(builder) : []) {
        const group = groups.get(key) ?? { match, items: [] };
        groups.set(key, group);
        group.items.push(...items);
      }
    return [...groups.values()];
  };
  const ownsChecks = own !== undefined && own.check.size + own.headers.size > 0;
  return {
    preprocess: both((builder) => builder.preprocess),
    check: both((builder) => builder.check),
    headers: [...((ownsChecks ? own : inherited)?.headers.values() ?? [])],
    quota: both((builder) => builder.quota),
    report: both((builder) => builder.report),
  };
}

/** Finds the namespace whose rules a request is subject to: the reporter's own side (docs/reference/mixer.md §7.3). */
export class IdentityReader {
  readonly #kind: number;
  readonly #destination: number;
  readonly #source: number;

  constructor(layout: Layout) {
    this.#kind = layout.slot("context.reporter.kind");
    this.#destination = layout.slot("destination.namespace");
    this.#source = layout.slot("source.namespace");
  }

  namespaceOf(bag: AttributeBag): string {
    const kind = textOf(bag, this.#kind) ?? "inbound";
    if (kind === "inbound") return textOf(bag, this.#destination) ?? "";
    return kind === "outbound" ? (textOf(bag, this.#source) ?? "") : "";
  }
}

function textOf(bag: AttributeBag, slot: number): string | undefined {
  try {
    const value = bag.get(slot);
    return typeof value === "string" ? value : undefined;
  } catch {
    // A value of another type counts as absent here.
    return undefined;
  }
}
