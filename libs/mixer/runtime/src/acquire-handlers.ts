import type { Adapter, InstanceShape } from "@xebec/mixer-sdk";
import type { Conditions } from "./condition.ts";
import type { CheckedHandler, HandlerSlot, HandlerTable } from "./handlers.ts";
import type { Handled, Instanced } from "./read-objects.ts";
import type { CheckedRule } from "./rule-check.ts";

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
  rules: readonly CheckedRule[],
  handlers: ReadonlyMap<string, Handled>,
  table: HandlerTable,
  conditions: Conditions,
): Promise<Map<string, HandlerSlot>> {
  const wanted = wantedBy(rules, handlers);
  const faults = faultsOf(wanted);
  const slots = new Map<string, HandlerSlot>();
  await Promise.all(
    wanted.map(async ({ handled, checked, shapes, params }) => {
      const found = faults.get(checked.name) ?? [];
      if (found.length > 0) {
        conditions.reject(handled.resource, "InvalidParams", `params.${found.join("; params.")}`);
        return;
      }
      try {
        slots.set(handled.name, await table.acquire(checked, shapes, params));
        conditions.accept(handled.resource, "attached", "Built", "running");
      } catch (error) {
        conditions.reject(handled.resource, "BuildFailed", (error as Error).message);
      }
    }),
  );
  return slots;
}

function wantedBy(rules: readonly CheckedRule[], handlers: ReadonlyMap<string, Handled>): Wanted[] {
  const routed = new Map<Handled, Map<string, Instanced>>();
  for (const { actions } of rules)
    for (const { handler, instances } of actions) {
      const known = routed.get(handler as Handled) ?? new Map<string, Instanced>();
      routed.set(handler as Handled, known);
      for (const instance of instances as Instanced[]) known.set(instance.name, instance);
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
function faultsOf(wanted: readonly Wanted[]): Map<string, readonly string[]> {
  const faults = new Map<string, readonly string[]>();
  const valid = new Map<Adapter, { handler: string; config: never }[]>();
  for (const { checked, shapes } of wanted) {
    const { name, adapter, config } = checked;
    const found = adapter.validate?.(config as never, shapes) ?? [];
    if (found.length > 0) faults.set(name, found);
    else valid.set(adapter, [...(valid.get(adapter) ?? []), { handler: name, config: config as never }]);
  }
  for (const [adapter, together] of valid)
    for (const [name, found] of adapter.validateTogether?.(together) ?? []) faults.set(name, found);
  return faults;
}

const byName = (a: { readonly name: string }, b: { readonly name: string }): number =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
