import type { KnownProxies, ObjectCondition } from "./kinds/kind.ts";
import { CONFIG_KINDS } from "./kinds/registry.ts";
import type { Snapshot } from "./snapshot.ts";

/**
 * Says of every object of a snapshot whether it is in effect, and which of its fields are not; one after the other, since there may
 * be many.
 */
export function* objectConditions(snapshot: Snapshot, proxies: KnownProxies): Generator<ObjectCondition> {
  for (const kind of CONFIG_KINDS) yield* kind.conditions?.(snapshot, proxies) ?? [];
}
