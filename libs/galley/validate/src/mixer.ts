import { ADAPTERS } from "@xebec/mixer-catalogue";
import { checkMixerObject, MIXER_GROUP, resolveActions } from "@xebec/mixer-config";
import type { Checker, Kind, RuleSpec } from "@xebec/model-resources";
import type { MixerContext } from "./mixer-context.ts";

/** The warning about a reference ends so: what it means may come later. */
const NOT_YET = "until that changes, this part of the rule has no effect";

/**
 * Checks an object of Mixer's with the code of Mixer's services (docs/adr/0011-mixer-admission.md). What is wrong in the object itself is
 * refused; what a rule refers to and is not there is warned of: it may come later.
 */
export function checkMixer(kind: Kind, spec: unknown, check: Checker, context: MixerContext): void {
  if (kind.group !== MIXER_GROUP) return;
  const violations = checkMixerObject({ kind: kind.kind, spec }, ADAPTERS, context.vocabulary);
  for (const { path, message } of violations) check.fail(path, message);
  if (kind.kind !== "rule" || violations.length > 0 || !context.scope) return;
  for (const { path, message } of resolveActions(spec as RuleSpec, check.namespace, context.scope).problems)
    check.warn(path, `${message}; ${NOT_YET}`);
}
