import { RE2JS } from "re2js";

/** Compiling takes its time: some tenths of a second for this much. */
export const MAX_REGEX_SIZE = 500_000;
const MAX_LENGTH = 1024;

/** What is wrong with a regular expression that Envoy (RE2) is to take; undefined when it is right. */
export function regexError(regex: string): string | undefined {
  if (regex.length > MAX_LENGTH) return `is longer than ${MAX_LENGTH} characters`;
  try {
    RE2JS.compile(regex);
    return undefined;
  } catch (error) {
    return /\(\?(=|!|<=|<!)|\\[1-9]/.test(regex)
      ? `"${regex}" uses look-around or a back-reference, which RE2 does not have`
      : `is not a regular expression of RE2: ${(error as Error).message}`;
  }
}

/** About how large a regular expression becomes when it is compiled: what is repeated is there as often. */
export function compiledSize(regex: string): number {
  let times = 1;
  for (const [, least = "0", most = ""] of regex.matchAll(/\{(\d{1,4})(?:,(\d{0,4}))?\}/g))
    times = Math.min(times * Math.max(Number(most || least), 1), MAX_REGEX_SIZE);
  return regex.length * times;
}

/** A regular expression of RE2 that finds itself anywhere in a text. @throws Error when it is none */
export function regexFinder(regex: string): (text: string) => boolean {
  const compiled = RE2JS.compile(regex);
  return (text) => compiled.matcher(text).find();
}
