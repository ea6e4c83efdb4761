import { RE2JS } from "re2js";
import { EvaluationError } from "./expression-error.ts";

/** Longest pattern that is compiled while a request waits. */
const MAX_PATTERN = 4_096;
const KEPT = 128;
const kept = new Map<string, (text: string) => boolean>();

/**
 * An unanchored RE2 test, of linear time whatever the pattern is.
 * @throws EvaluationError when the pattern is not valid
 */
export function regexTest(pattern: string): (text: string) => boolean {
  const known = kept.get(pattern);
  if (known) return known;
  if (pattern.length > MAX_PATTERN)
    throw new EvaluationError(`the regular expression is longer than ${MAX_PATTERN} characters`);
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(pattern);
  } catch (error) {
    throw new EvaluationError(
      `the regular expression ${JSON.stringify(pattern)} is not valid: ${(error as Error).message}`,
    );
  }
  const test = (text: string): boolean => compiled.matcher(text).find();
  if (kept.size >= KEPT) kept.delete(kept.keys().next().value as string);
  kept.set(pattern, test);
  return test;
}
