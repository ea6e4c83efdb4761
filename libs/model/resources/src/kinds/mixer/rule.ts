import { enumeration, field, list, message, required, type Static, string, struct } from "@xebec/model-schema";
import { NOT_YET } from "../shared/not-yet.ts";

const Action = message("Action", {
  handler: required(
    string({ minLength: 1 }),
    "The handler: `NAME`, `NAME.NAMESPACE`, or `NAME.KIND.NAMESPACE` of a legacy kind.",
  ),
  instances: field(list(string({ minLength: 1 })), "Instances that the handler gets, named in the same way."),
  name: field(string(), "A name by which header operations refer to the action's output."),
});

const HeaderOperation = message("Rule.HeaderOperationTemplate", {
  name: required(string({ minLength: 1 }), "The name of the header."),
  values: field(list(string()), "Expressions for its values."),
  operation: field(enumeration(["REPLACE", "REMOVE", "APPEND"]), "What is done with the header.", {
    default: "REPLACE",
  }),
});

/** A rule of Mixer (docs/reference/mixer.md §7.1). */
export const RuleSpec = message("Rule", {
  match: field(string(), "The condition, an expression of Mixer's language.", { defaultText: "always" }),
  selector: field(string(), "The former name of `match`, which is read where there is no `match`."),
  actions: field(list(Action), "What is done when the condition holds."),
  requestHeaderOperations: field(list(HeaderOperation), "Changes to the request's headers."),
  responseHeaderOperations: field(list(HeaderOperation), "Changes to the response's headers."),
  sampling: field(struct(), "Accepted and not read.", { noEffect: NOT_YET }),
});
export type RuleSpec = Static<typeof RuleSpec>;

/** The field that has a rule's condition, and the condition; empty for a rule that always holds. */
export function ruleCondition({ match, selector }: RuleSpec): {
  readonly field: "match" | "selector";
  readonly text: string;
} {
  const field = match === undefined && selector !== undefined ? "selector" : "match";
  const text = ((field === "match" ? match : selector) ?? "").trim();
  return { field, text: text === "true" ? "" : text };
}
