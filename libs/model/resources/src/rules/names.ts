import { isIPv4, isIPv6 } from "node:net";

const LABEL = /^[a-zA-Z0-9]([-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?$/;
const WILDCARD_LABEL = /^(\*|(\*-?)?[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?)$/;
const LABEL_KEY =
  /^([A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?(\.[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?)*\/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/;

/** A name of a header (RFC 9110, "token"). */
export function isToken(text: string): boolean {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text);
}

/** An IP address without zone. */
export function isIp(text: string): boolean {
  return isIPv4(text) || (isIPv6(text) && !text.includes("%"));
}

/** An IP address, or a network with the length of its prefix. */
export function isSubnet(text: string): boolean {
  const [ip = "", length, ...rest] = text.split("/");
  const bits = isIPv4(ip) ? 32 : isIPv6(ip) && !ip.includes("%") ? 128 : -1;
  if (bits < 0 || rest.length > 0) return false;
  return length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= bits);
}

/** An RFC 1123 label, as names of subsets and ports are. */
export function isLabel(text: string): boolean {
  return LABEL.test(text);
}

/** The key of a Kubernetes label: a name, with a DNS name and a slash before it or without. */
export function isLabelKey(text: string): boolean {
  const [name = "", prefix] = text.split("/").reverse();
  return LABEL_KEY.test(text) && name.length <= 63 && (prefix?.length ?? 0) <= 253;
}

/** The value of a Kubernetes label. */
export function isLabelValue(text: string): boolean {
  return LABEL_VALUE.test(text);
}

/** A name in DNS (RFC 1123) that is not a number at its end; a dot behind it is fine. */
export function isName(text: string): boolean {
  if (text.length === 0 || text.length > 255) return false;
  const labels = text.split(".");
  if (/^[+-]?\d+$/.test(labels.at(-1) as string)) return false;
  return labels.every((label, i) => LABEL.test(label) || (label === "" && i === labels.length - 1 && i > 0));
}

/** A name in DNS, or one whose first label is `*` or begins with `*`. */
export function isWildcardName(text: string): boolean {
  if (text.length === 0 || text.length > 255) return false;
  const dot = text.indexOf(".");
  const first = dot < 0 ? text : text.slice(0, dot);
  if (first.length > 63 || !WILDCARD_LABEL.test(first)) return false;
  return dot < 0 || text.slice(dot + 1) === "" || isName(text.slice(dot + 1));
}

/** What to change in a text that is not a host name; begins with a semicolon, or is empty. */
export function hostAdvice(text: string): string {
  if (text.includes("_")) return "; it has no underscore";
  if (/^[a-z]+:\/\//i.test(text) || /:\d+$/.test(text)) return "; write it without scheme and port";
  return text.includes("*") ? "; only the first label may have a wildcard, at its beginning" : "";
}
