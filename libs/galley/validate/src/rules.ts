import { isIPv4, isIPv6 } from "node:net";
import { parseDuration } from "@xebec/core-duration";
import type { Violation } from "@xebec/model-resources";
import { RE2JS } from "re2js";

type Path = readonly (string | number)[];

/** Envoy counts nanoseconds in 64 bits. */
const MAX_DURATION_MS = 876_000 * 3_600_000;

/** Compiling takes its time: some tenths of a second for this much. */
const MAX_REGEX_SIZE = 500_000;

/** Gathers violations; every rule that a schema cannot hold is written with it. */
export class Checker {
  readonly violations: Violation[] = [];
  /** What is valid and most likely not meant, in words for whoever wrote it. */
  readonly warnings: Violation[] = [];
  /** Of the object that is checked. */
  readonly namespace: string;

  #regexSize = 0;

  /** @param namespace of the object */
  constructor(namespace = "default") {
    this.namespace = namespace;
  }

  warn(path: Path, message: string): void {
    this.warnings.push({ path, message });
  }

  fail(path: Path, message: string): void {
    this.violations.push({ path, message });
  }

  /** Checks a part in which Istio warns of nothing. */
  withoutWarnings(part: () => void): void {
    const before = this.warnings.length;
    part();
    this.warnings.length = before;
  }

  require(holds: boolean, path: Path, message: string): void {
    if (!holds) this.fail(path, message);
  }

  /** A duration of whole milliseconds, 1ms at the least; `zero` allows none at all; absent is fine. */
  duration(value: string | undefined, path: Path, { zero = false } = {}): void {
    if (value === undefined) return;
    const ms = parseDuration(value);
    if (ms === undefined) this.fail(path, `"${value}" is no duration; write for example 1s, 500ms or 1m30s`);
    else if (ms === 0 && zero) return;
    else if (ms <= 0) this.fail(path, `must be longer than 0, not ${value}`);
    else if (ms < 1) this.fail(path, `must be at least 1ms, not ${value}`);
    else if (!Number.isInteger(ms)) this.fail(path, `must be whole milliseconds, not ${value}`);
    else if (ms > MAX_DURATION_MS) this.fail(path, `must be at most 876000h (100 years), not ${value}`);
  }

  /**
   * A name in DNS, or one whose first label is `*` or begins with `*` (`*.shop`, `*-api.shop`).
   * @param options.ip an address will do, too
   * @param options.short a name without a dot will do
   */
  host(value: string, path: Path, { ip = false, short = true } = {}): void {
    if (ip && isIp(value)) return;
    if (!isWildcardName(value)) this.fail(path, `"${value}" is no host name${hostAdvice(value)}`);
    else if (!short && value !== "*" && !value.includes("."))
      this.fail(path, `"${value}" must be a full name with a domain`);
  }

  /** A name in DNS without wildcard. */
  name(value: string, path: Path): void {
    if (!isName(value)) this.fail(path, `"${value}" is no host name${hostAdvice(value)}`);
  }

  /** Keys and values as Kubernetes has them in labels. */
  labels(labels: Readonly<Record<string, string>> | undefined, path: Path): void {
    for (const [key, value] of Object.entries(labels ?? {})) {
      const [name = "", prefix] = key.split("/").reverse();
      if (!LABEL_KEY.test(key) || name.length > 63 || (prefix?.length ?? 0) > 253)
        this.fail([...path, key], `"${key}" is no key of a label: letters, digits, -, _ and .; at most 63`);
      if (!LABEL_VALUE.test(value))
        this.fail([...path, key], `"${value}" is no value of a label: letters, digits, -, _ and .`);
    }
  }

  /** Labels that choose workloads: each is written out. */
  selector(labels: Readonly<Record<string, string>> | undefined, path: Path): void {
    for (const [key, value] of Object.entries(labels ?? {})) {
      if (key === "") this.fail(path, "a label must have a name");
      if (`${key}${value}`.includes("*")) this.fail([...path, key], "a selector has no wildcards");
    }
    if (labels !== undefined && Object.keys(labels).length === 0) this.warn(path, "the selector has no labels");
  }

  /** An IP address, or a network with the length of its prefix. */
  subnet(value: string, path: Path): void {
    const [ip = "", length, ...rest] = value.split("/");
    const bits = isIPv4(ip) ? 32 : isIPv6(ip) && !ip.includes("%") ? 128 : -1;
    if (bits < 0 || rest.length > 0 || (length !== undefined && !(/^\d{1,3}$/.test(length) && Number(length) <= bits)))
      this.fail(path, `"${value}" is no address and no network; write for example 10.1.0.0/16`);
  }

  /** A regular expression that Envoy (RE2) takes. */
  regex(value: string | undefined, path: Path): void {
    if (value === undefined) return;
    this.#regexSize += compiledSize(value);
    if (value.length > 1024) this.fail(path, "is longer than 1024 characters");
    else if (this.#regexSize > MAX_REGEX_SIZE)
      this.fail(
        path,
        "makes the regular expressions of this object too large together; split it, or repeat less in them",
      );
    else
      try {
        RE2JS.compile(value);
      } catch (error) {
        this.fail(
          path,
          /\(\?(=|!|<=|<!)|\\[1-9]/.test(value)
            ? `"${value}" uses look-around or a back-reference, which RE2 does not have`
            : `is no regular expression of RE2: ${(error as Error).message}`,
        );
      }
  }

  /** To whom an object is visible: `*`, or namespaces, with `.` for its own. @param nobody allows `~`, which is nobody */
  exportTo(value: readonly string[] | undefined, path: Path, { nobody = false } = {}): void {
    const seen = new Set<string>();
    for (const [i, each] of (value ?? []).entries()) {
      if (
        each !== "*" &&
        each !== "." &&
        !(nobody && each === "~") &&
        !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(each)
      )
        this.fail([...path, i], `"${each}" is no namespace; write a namespace, . or *`);
      const own = each === "." ? this.namespace : each;
      if (seen.has(own)) this.fail([...path, i], `"${each}" is given twice${own === each ? "" : `, also as ${own}`}`);
      seen.add(own);
    }
    if (seen.has("*") && seen.size > 1) this.fail(path, "* cannot be together with namespaces");
    if (seen.has("~") && seen.size > 1) this.fail(path, "~ cannot be together with namespaces");
  }

  /** Text that becomes part of a header: no control characters. */
  headerText(value: string | undefined, path: Path): void {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    if (value !== undefined && /[\x00-\x1f\x7f]/.test(value)) this.fail(path, "must not hold control characters");
  }

  /**
   * Exactly one of exact, prefix and regex, or nothing.
   * @param options.emptyPrefix Envoy takes an empty prefix of a path, and of nothing else
   */
  stringMatch(
    match: { exact?: string; prefix?: string; regex?: string } | undefined,
    path: Path,
    { emptyPrefix = false } = {},
  ): void {
    if (!match) return;
    const given = Object.keys(match);
    if (given.length > 1) this.fail(path, `give one of ${given.join(", ")}, not ${given.length}`);
    if (match.prefix === "" && !emptyPrefix) this.fail([...path, "prefix"], "must not be empty");
    if (match.regex === "") this.fail([...path, "regex"], "must not be empty");
    this.regex(match.regex, [...path, "regex"]);
  }
}

/** About how large a regular expression becomes when it is compiled: what is repeated stands there as often. */
function compiledSize(regex: string): number {
  let times = 1;
  for (const [, least = "0", most = ""] of regex.matchAll(/\{(\d{1,4})(?:,(\d{0,4}))?\}/g))
    times = Math.min(times * Math.max(Number(most || least), 1), MAX_REGEX_SIZE);
  return regex.length * times;
}

/** A name of a header (RFC 9110, "token"). */
export function isToken(text: string): boolean {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text);
}

export function isIp(text: string): boolean {
  return isIPv4(text) || (isIPv6(text) && !text.includes("%"));
}

const LABEL = /^[a-zA-Z0-9]([-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?$/;
const WILDCARD_LABEL = /^(\*|(\*-?)?[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?)$/;
const LABEL_KEY =
  /^([A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?(\.[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?)*\/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/;

/** An RFC 1123 label, as names of subsets and ports are. */
export function isLabel(text: string): boolean {
  return LABEL.test(text);
}

/** A name in DNS (RFC 1123) that is no number at its end; a dot behind it is fine. */
export function isName(text: string): boolean {
  if (text.length === 0 || text.length > 255) return false;
  const labels = text.split(".");
  if (/^[+-]?\d+$/.test(labels.at(-1) as string)) return false;
  return labels.every((label, i) => LABEL.test(label) || (label === "" && i === labels.length - 1 && i > 0));
}

function isWildcardName(text: string): boolean {
  if (text.length === 0 || text.length > 255) return false;
  const dot = text.indexOf(".");
  const first = dot < 0 ? text : text.slice(0, dot);
  if (first.length > 63 || !WILDCARD_LABEL.test(first)) return false;
  return dot < 0 || text.slice(dot + 1) === "" || isName(text.slice(dot + 1));
}

function hostAdvice(text: string): string {
  if (text.includes("_")) return "; it has no underscore";
  if (/^[a-z]+:\/\//i.test(text) || /:\d+$/.test(text)) return "; write it without scheme and port";
  return text.includes("*") ? "; only the first label may have a wildcard, at its beginning" : "";
}
