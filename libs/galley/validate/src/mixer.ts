import type { Vocabulary } from "@xebec/model-attributes";
import { VALUE_TYPES } from "@xebec/model-attributes";
import { checkExpression, ExpressionError } from "@xebec/model-expr";
import type { AttributeManifestSpec, Checker, HandlerSpec, InstanceSpec, Kind, RuleSpec } from "@xebec/model-resources";

// biome-ignore format: one line a kind
const CHECKS: Readonly<Record<string, (spec: never, check: Checker, vocabulary: Vocabulary) => void>> = {
  rule: checkRule,
  handler: checkHandler,
  instance: checkInstance,
  attributemanifest: checkManifest,
};

/** The rules of Mixer's kinds; other kinds have none here. */
export function checkMixer(kind: Kind, spec: unknown, check: Checker, vocabulary: Vocabulary): void {
  if (kind.group === "config.istio.io") CHECKS[kind.kind]?.(spec as never, check, vocabulary);
}

/** Semantic rules of Mixer's objects: what can be said of one object without the others (docs/reference/mixer.md §7.2). */
function checkRule(spec: RuleSpec, check: Checker, vocabulary: Vocabulary): void {
  if (spec.match) checkMatch(spec.match, check, vocabulary);
  const edits = (spec.requestHeaderOperations?.length ?? 0) + (spec.responseHeaderOperations?.length ?? 0);
  if (!spec.actions?.length && edits === 0) check.fail(["spec", "actions"], "must name at least one handler");
  for (const [i, action] of (spec.actions ?? []).entries())
    if (!action.instances?.length && !action.name)
      check.fail(["spec", "actions", i, "instances"], "must name at least one instance");
}

function checkMatch(match: string, check: Checker, vocabulary: Vocabulary): void {
  try {
    checkExpression(match, vocabulary, "BOOL");
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    check.fail(["spec", "match"], error.message);
  }
}

function checkHandler(spec: HandlerSpec, check: Checker): void {
  if (!spec.compiledAdapter && !spec.adapter)
    check.fail(["spec", "compiledAdapter"], "is required, or adapter for one of its own process");
  if (spec.compiledAdapter && spec.adapter) check.fail(["spec", "adapter"], "cannot be together with compiledAdapter");
}

function checkInstance(spec: InstanceSpec, check: Checker): void {
  if (!spec.compiledTemplate && !spec.template) check.fail(["spec", "compiledTemplate"], "is required, or template");
}

function checkManifest(spec: AttributeManifestSpec, check: Checker): void {
  for (const [name, { valueType }] of Object.entries(spec.attributes ?? {}))
    if (!valueType || !Object.hasOwn(VALUE_TYPES, valueType))
      check.fail(
        ["spec", "attributes", name, "valueType"],
        `must be one of ${Object.keys(VALUE_TYPES).join(", ")}, not ${valueType ?? "empty"}`,
      );
}
