import { domainToASCII, domainToUnicode } from "node:url";
import { EvaluationError } from "./expression-error.ts";

/** Lets a name end with a label that is no number: the rules of URLs would read `1.2.3` as an address. */
const NO_NUMBER = ".a";
/** Letters of scripts that are written from right to left. */
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
/** Characters that the rules of URLs forbid in a name, and Mixer does not. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are meant
const FORBIDDEN_IN_URLS = /[\u0000-\u0020#%/:<>?@[\\\]^|\u007f]/g;

/**
 * Checks a DNS name as Mixer did: labels are not empty, begin and end with no hyphen, and have none in their third and fourth place;
 * what stands in Punycode can be decoded. Underscores, wildcards and labels of any length are taken (docs/reference/mixer.md §4.3).
 * @returns its Unicode form, in the case in which it is written; undefined when it is invalid
 */
export function dnsName(text: string): string | undefined {
  const labels = text.normalize("NFC").split(".");
  const isRooted = labels.length > 1 && labels.at(-1) === "";
  if (isRooted) labels.pop();
  const decoded: string[] = [];
  for (const label of labels) {
    const unicode = label.startsWith("xn--") ? fromPunycode(label) : label;
    if (unicode === undefined || unicode === "" || !hasLabelForm(unicode)) return undefined;
    decoded.push(unicode);
  }
  if (!keepsDirection(decoded)) return undefined;
  const name = decoded.join(".");
  // The rules of joiners and of directions within a label.
  if (!isAscii(name) && domainToASCII(name.replace(FORBIDDEN_IN_URLS, "!") + NO_NUMBER) === "") return undefined;
  return name + (isRooted ? "." : "");
}

/**
 * Says whether two DNS names are the same: case and Unicode forms are folded; a final dot that only one of them has is ignored.
 * @throws EvaluationError for a text that names no host: other characters than letters, digits and hyphens
 */
export function sameDnsName(a: string, b: string): boolean {
  const [x, y] = [lookupName(a), lookupName(b)];
  if (x.endsWith(".") === y.endsWith(".")) return x === y;
  return x.replace(/\.$/, "") === y.replace(/\.$/, "");
}

/** The form in which a name is looked up. Two names of one host have the same. */
function lookupName(text: string): string {
  const folded = text.toLowerCase();
  const isPlain = isAscii(text) && !folded.includes("xn--");
  const name = isPlain ? folded : domainToASCII(text + NO_NUMBER).slice(0, -NO_NUMBER.length);
  if ((name === "" && text !== "") || !isLookupName(name))
    throw new EvaluationError(`${JSON.stringify(text.slice(0, 200))} names no host`);
  return name;
}

function isLookupName(name: string): boolean {
  const labels = name.split(".");
  if (!labels.every((label) => /^[a-z0-9-]*$/.test(label))) return false;
  const decoded = labels.map((label) => (label.startsWith("xn--") ? fromPunycode(label) : label));
  return decoded.every((label) => label !== undefined && hasLabelForm(label)) && keepsDirection(decoded as string[]);
}

function hasLabelForm(label: string): boolean {
  return !/^-|-$|^\p{M}/u.test(label) && !(Buffer.byteLength(label) > 4 && label.slice(2, 4) === "--");
}

/** In a name with a label that is written from right to left, the others begin with a letter, too (RFC 5893 §2). */
function keepsDirection(labels: readonly string[]): boolean {
  if (!labels.some((label) => RIGHT_TO_LEFT.test(label))) return true;
  return labels.every((label) => label === "" || /^\p{L}(?:.*[\p{L}\p{Nd}]\p{M}*)?$/u.test(label));
}

/** @returns undefined for what does not decode, or to something that is not encoded so */
function fromPunycode(label: string): string | undefined {
  const unicode = domainToUnicode(label + NO_NUMBER);
  if (unicode === "" || domainToASCII(unicode) !== label.toLowerCase() + NO_NUMBER) return undefined;
  return unicode.slice(0, -NO_NUMBER.length);
}

function isAscii(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII
  return /^[\u0000-\u007f]*$/.test(text);
}
