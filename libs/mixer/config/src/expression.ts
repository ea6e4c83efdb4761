import type { ValueType, Vocabulary } from "@xebec/model-attributes";
import { checkExpression, ExpressionError } from "@xebec/model-expr";
import type { Path } from "@xebec/model-schema";
import { type MixerViolation, violation } from "./violation.ts";

/**
 * Checks an expression in a field.
 * @param out gets what is wrong: with line and column inside of the expression
 * @returns its type; undefined when something is wrong
 */
export function checkField(
  text: string,
  path: Path,
  vocabulary: Vocabulary,
  expected: ValueType | undefined,
  out: MixerViolation[],
): ValueType | undefined {
  try {
    return checkExpression(text, vocabulary, expected);
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    out.push(violation("InvalidExpression", path, error.message));
    return undefined;
  }
}
