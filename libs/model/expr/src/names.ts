import { domainToASCII, domainToUnicode } from "node:url";

const ASCII_LABEL = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/;

/**
 * Checks a DNS name with IDNA's strict rules: letters, digits and inner hyphens, labels of 1 to 63 characters, 253 in all.
 * @returns its Unicode form, or undefined when it is invalid
 */
export function dnsName(text: string): string | undefined {
  const ascii = asciiName(text);
  return ascii === undefined ? undefined : domainToUnicode(ascii.name) + (ascii.dot ? "." : "");
}

/** Says whether two DNS names are the same: case and Unicode forms are folded, one final dot is ignored. */
export function sameDnsName(a: string, b: string): boolean {
  if (a === b) return true;
  const [x, y] = [asciiName(a)?.name, asciiName(b)?.name];
  return x !== undefined && x === y;
}

function asciiName(text: string): { name: string; dot: boolean } | undefined {
  const dot = text.endsWith(".");
  const bare = dot ? text.slice(0, -1) : text;
  // The URL rules behind domainToASCII would take an IPv4 number apart and decode percent signs.
  if (bare === "" || /[\s%/:@?#[\]\\]/.test(bare)) return undefined;
  const name = /^[\x20-\x7f]*$/.test(bare) && !/xn--/i.test(bare) ? bare.toLowerCase() : domainToASCII(bare);
  if (name === "" || name.length > 253 || !name.split(".").every((label) => ASCII_LABEL.test(label))) return undefined;
  return { name, dot };
}

const LOCAL =
  /^(?:[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\u{10ffff}-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\u{10ffff}-]+)*|"(?:[^"\\\r\n]|\\[^\r\n])*")$/u;

/** Checks a mail address without display name (RFC 5322, addr-spec). @returns the text, or undefined when it is none */
export function emailAddress(text: string): string | undefined {
  const at = text.lastIndexOf("@");
  if (at < 1 || !LOCAL.test(text.slice(0, at)) || dnsName(text.slice(at + 1)) === undefined) return undefined;
  return text;
}

/** The local part counts case, the domain does not. */
export function sameEmail(a: string, b: string): boolean {
  const [x, y] = [a.lastIndexOf("@"), b.lastIndexOf("@")];
  return a.slice(0, x) === b.slice(0, y) && sameDnsName(a.slice(x + 1), b.slice(y + 1));
}
