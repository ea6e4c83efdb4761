import type { TextMatch } from "./condition.ts";

// Regular expressions (RE2) for what Envoy's matchers cannot say. `\C` is any byte: `.` does not match bytes that are not UTF-8, which
// header values may have.

/** A text as a regular expression. */
export function quoted(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/** The texts of a match. */
function patternOf(match: TextMatch): string {
  if ("exact" in match) return quoted(match.exact);
  if ("prefix" in match) return `${quoted(match.prefix)}\\C*`;
  if ("suffix" in match) return `\\C*${quoted(match.suffix)}`;
  return "regex" in match ? match.regex : "\\C+";
}

/** Comma-separated lists that have a matching item, or that match themselves. */
export function listWithItem(match: TextMatch): string {
  return `(?:\\C*,)?\\s*${patternOf(match)}\\s*(?:,\\C*)?`;
}

/** Hosts in any form that may mean the same as a matching host. */
export function hostInAnyForm(match: TextMatch): string {
  const before = "(?i)(?:\\C*@)?";
  if ("prefix" in match) return `${before}${quoted(match.prefix)}\\C*`;
  const [text, start] = "suffix" in match ? [match.suffix, "\\C*"] : ["exact" in match ? match.exact : "", ""];
  const [, host = "", port] = /^(.*?)\.?(?::(\d+))?$/.exec(text) ?? [];
  return `${before}${start}${quoted(host)}\\.?${port === undefined ? "(?::\\d*)?" : `:${port}`}`;
}

const notThis = (letter: string): string => `[^\\x{${(letter.codePointAt(0) as number).toString(16)}}]`;

/** Texts that do not match; undefined where there is no expression for them. */
export function otherThan(match: TextMatch): string | undefined {
  if ("exact" in match) return notPrefix([...match.exact], "\\C+");
  if ("prefix" in match) return notPrefix([...match.prefix], undefined);
  if ("suffix" in match) return notSuffix([...match.suffix]);
  return "present" in match ? "" : undefined;
}

/** @param rest what may follow the letters; undefined for nothing */
function notPrefix(letters: readonly string[], rest: string | undefined): string {
  return letters.reduceRight((inner: string | undefined, letter) => {
    const more = inner === undefined ? "" : `|${quoted(letter)}${inner}`;
    return `(?:|${notThis(letter)}\\C*${more})`;
  }, rest) as string;
}

function notSuffix(letters: readonly string[]): string {
  return letters.reduce((inner: string | undefined, letter) => {
    const more = inner === undefined ? "" : `|${inner}${quoted(letter)}`;
    return `(?:|\\C*${notThis(letter)}${more})`;
  }, undefined) as string;
}
