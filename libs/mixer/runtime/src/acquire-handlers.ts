import { checkParams, type MixerViolation, withReason } from "@xebec/mixer-config";
import type { Adapter, HandlerLimits, InstanceShape } from "@xebec/mixer-sdk";
import type { Conditions } from "./condition.ts";
import type { CheckedHandler, HandlerSlot } from "./handlers.ts";
import { type CompileOptions, type Handled, type Instanced, rejectFor } from "./read-objects.ts";
import type { ReadRule } from "./rule-check.ts";
import { bindingsToAsk } from "./standard-bindings.ts";

/** A handler that rules use, with all instances that are routed to it. */
interface Wanted {
  readonly handled: Handled;
  readonly checked: CheckedHandler;
  readonly shapes: readonly InstanceShape[];
  /** What its instances are made of, for comparison. */
  readonly params: unknown;
}

/** Builds the handlers that rules use. One that is refused or cannot be built gets a condition and is left out. */
export async function acquireHandlers(
  rules: readonly ReadRule[],
  handlers: ReadonlyMap<string, Handled>,
  { table, limits }: Pick<CompileOptions, "table" | "limits">,
  conditions: Conditions,
): Promise<Map<string, HandlerSlot>> {
  const wanted = wantedBy(rules, handlers);
  const violations = violationsOf(wanted, limits);
  const slots = new Map<string, HandlerSlot>();
  await Promise.all(
    wanted.map(async ({ handled, checked, shapes, params }) => {
      const found = violations.get(checked.name) ?? [];
      if (found.length > 0) {
        rejectFor(handled.resource, found, conditions);
        return;
      }
      try {
        slots.set(handled.name, await table.acquire(checked, shapes, params));
        const { problems = [] } = handled;
        if (problems.length === 0) conditions.accept(handled.resource, "attached", "Built", "running");
        else conditions.accept(handled.resource, "attached", "PartlyRejected", `running; ${problems.join("; ")}`);
      } catch (error) {
        conditions.reject(handled.resource, "BuildFailed", (error as Error).message);
      }
    }),
  );
  return slots;
}

/** Whether an instance needs no handler: the services find its attributes by themselves. */
export function isBuiltIn({ checked }: Handled, instance: Instanced): boolean {
  if (!checked || !instance.checked || instance.template.variety !== "attributes") return false;
  return bindingsToAsk(checked.adapter.name, instance.checked).length === 0;
}

function wantedBy(rules: readonly ReadRule[], handlers: ReadonlyMap<string, Handled>): Wanted[] {
  const routed = new Map<Handled, Map<string, Instanced>>();
  for (const { actions } of rules)
    for (const { handler, instances } of actions) {
      const known = routed.get(handler) ?? new Map<string, Instanced>();
      routed.set(handler, known);
      for (const instance of instances) if (!isBuiltIn(handler, instance)) known.set(instance.name, instance);
      if (known.size === 0) routed.delete(handler);
    }
  const known = new Set(handlers.values());
  const wanted: Wanted[] = [];
  for (const [handled, instances] of routed) {
    const { checked } = handled;
    if (!checked || !known.has(handled)) continue;
    const sorted = [...instances.values()].sort(byName);
    const shapes = sorted.flatMap((each) => (each.checked ? [each.checked.shape] : []));
    const params = sorted.map((each) => [each.name, each.template.name, each.checked?.params]);
    wanted.push({ handled, checked, shapes, params });
  }
  // Which of two handlers that exclude each other stays must not depend on the order of rules.
  return wanted.sort((a, b) => byName(a.checked, b.checked));
}

/** What adapters find wrong, by handler: first each by itself, then those of one adapter together. */
function violationsOf(
  wanted: readonly Wanted[],
  limits: HandlerLimits | undefined,
): Map<string, readonly MixerViolation[]> {
  const violations = new Map<string, readonly MixerViolation[]>();
  const valid = new Map<Adapter, CheckedHandler[]>();
  for (const { checked, shapes } of wanted) {
    const found = checkParams(checked, shapes, limits);
    if (found.length > 0) violations.set(checked.name, found);
    else valid.set(checked.adapter, [...(valid.get(checked.adapter) ?? []), checked]);
  }
  for (const [adapter, handlers] of valid) {
    const together = handlers.map(({ name, config }) => ({ handler: name, config: config as never }));
    for (const [name, found] of adapter.validateTogether?.(together) ?? []) {
      const path = handlers.find((each) => each.name === name)?.paramsPath;
      violations.set(name, withReason(found, "InvalidParams", path));
    }
  }
  return violations;
}

const byName = (a: { readonly name: string }, b: { readonly name: string }): number =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
