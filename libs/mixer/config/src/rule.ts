import type { ValueType, Vocabulary } from "@xebec/model-attributes";
import { type RuleSpec, ruleCondition } from "@xebec/model-resources";
import { checkField } from "./expression.ts";
import { type MixerViolation, violation } from "./violation.ts";

/** A header operation of a rule. */
export interface HeaderSpec {
  readonly name: string;
  readonly on: "request" | "response";
  readonly operation: "REPLACE" | "REMOVE" | "APPEND";
  /** An expression; absent for REMOVE. */
  readonly value?: string;
}

/** A rule that was checked by itself, without what it refers to. */
export interface CheckedRuleObject {
  /** Empty for a rule that always holds. */
  readonly match: string;
  /** Empty when one of them is wrong. */
  readonly headers: readonly HeaderSpec[];
  readonly violations: readonly MixerViolation[];
}

/** The output of a rule's actions, by the names under which header operations read it: `ACTION.output.FIELD`. */
export type ActionOutputs = ReadonlyMap<string, ValueType>;

/**
 * Checks a rule (docs/reference/mixer.md §7.2): its condition, its header operations, and that its actions say something.
 * @param outputs what the rule's actions give back; absent where that is not known: values that read it are not checked then
 */
export function checkRule(spec: RuleSpec, vocabulary: Vocabulary, outputs?: ActionOutputs): CheckedRuleObject {
  const violations: MixerViolation[] = [];
  const { field, text: match } = ruleCondition(spec);
  if (match !== "") checkField(match, ["spec", field], vocabulary, "BOOL", violations);
  const operations = (spec.requestHeaderOperations?.length ?? 0) + (spec.responseHeaderOperations?.length ?? 0);
  if (!spec.actions?.length && operations === 0)
    violations.push(
      violation("NoAction", ["spec", "actions"], "must name at least one handler, or there must be a header operation"),
    );
  for (const [i, { instances = [] }] of (spec.actions ?? []).entries()) {
    const path = ["spec", "actions", i, "instances"];
    if (instances.length === 0) violations.push(violation("NoAction", path, "must name at least one instance"));
    for (const [j, reference] of instances.entries())
      if (instances.indexOf(reference) < j)
        violations.push(violation("InvalidSpec", [...path, j], `"${reference}" is given twice`));
  }
  return { match, headers: checkHeaders(spec, vocabulary, outputs, violations), violations };
}

/** One operation whose value is not a STRING expression drops all operations of the rule. */
function checkHeaders(
  spec: RuleSpec,
  vocabulary: Vocabulary,
  outputs: ActionOutputs | undefined,
  violations: MixerViolation[],
): HeaderSpec[] {
  const known: Vocabulary = {
    typeOf: (name) => outputs?.get(name) ?? vocabulary.typeOf(name),
    names: () => vocabulary.names(),
  };
  const names = (spec.actions ?? []).flatMap(({ name }) => (name ? [`${name}.output.`] : []));
  const isUnknown = (value: string): boolean => outputs === undefined && names.some((name) => value.includes(name));
  const out: HeaderSpec[] = [];
  const before = violations.length;
  for (const on of ["request", "response"] as const) {
    const field = `${on}HeaderOperations` as const;
    for (const [i, { name, values = [], operation = "REPLACE" }] of (spec[field] ?? []).entries()) {
      if (operation === "REMOVE") {
        out.push({ name, on, operation });
        continue;
      }
      for (const [j, value] of values.entries()) {
        if (!isUnknown(value)) checkField(value, ["spec", field, i, "values", j], known, "STRING", violations);
        out.push({ name, on, operation, value });
      }
    }
  }
  return violations.length > before ? [] : out;
}
