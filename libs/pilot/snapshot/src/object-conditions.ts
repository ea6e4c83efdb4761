import { REASONS } from "@xebec/model-resources";
import type { KnownProxies, ObjectCondition } from "./kinds/kind.ts";
import { CONFIG_KINDS } from "./kinds/registry.ts";
import type { Snapshot } from "./snapshot.ts";

/**
 * Says of every object of a snapshot whether it is in effect, and which of its fields are not; one after the other, since there may
 * be many.
 */
export function* objectConditions(snapshot: Snapshot, proxies: KnownProxies): Generator<ObjectCondition> {
  for (const kind of CONFIG_KINDS)
    for (const each of kind.conditions?.(snapshot, proxies) ?? []) yield withRemarks(each, proxies);
}

/** What proxies leave out of an object that is in effect. */
function withRemarks(condition: ObjectCondition, { use }: KnownProxies): ObjectCondition {
  const { key, reason, message } = condition;
  const remarks = use?.remarks?.get(key);
  if (!remarks || REASONS.pilot[reason] !== "attached") return condition;
  return { key, reason: "PartlyResolved", message: [message, ...remarks].filter(Boolean).join("; ") };
}
