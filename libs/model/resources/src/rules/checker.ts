import { parseDuration } from "@xebec/core-duration";
import type { Path, Violation } from "@xebec/model-schema";
import { hostAdvice, isIp, isLabelKey, isLabelValue, isName, isSubnet, isWildcardName } from "./names.ts";
import { compiledSize, MAX_REGEX_SIZE, regexError } from "./regex.ts";

/** Envoy counts nanoseconds in 64 bits. */
const MAX_DURATION_MS = 876_000 * 3_600_000;

/** Gathers the violations and warnings of one object; every rule that a schema cannot hold is written with it. */
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
    const ms = value === undefined ? undefined : parseDuration(value);
    // What is not a duration the schema has refused.
    if (ms === undefined || (ms === 0 && zero)) return;
    if (ms <= 0) this.fail(path, `must be longer than 0, not ${value}`);
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
    if (!isWildcardName(value)) this.fail(path, `"${value}" is not a host name${hostAdvice(value)}`);
    else if (!short && value !== "*" && !value.includes("."))
      this.fail(path, `"${value}" must be a full name with a domain`);
  }

  /** A name in DNS without wildcard. */
  name(value: string, path: Path): void {
    if (!isName(value)) this.fail(path, `"${value}" is not a host name${hostAdvice(value)}`);
  }

  /** Keys and values as Kubernetes has them in labels. */
  labels(labels: Readonly<Record<string, string>> | undefined, path: Path): void {
    for (const [key, value] of Object.entries(labels ?? {})) {
      if (!isLabelKey(key))
        this.fail([...path, key], `"${key}" is not a key of a label: letters, digits, -, _ and .; at most 63`);
      if (!isLabelValue(value))
        this.fail([...path, key], `"${value}" is not a value of a label: letters, digits, -, _ and .`);
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
    if (!isSubnet(value))
      this.fail(path, `"${value}" is neither an address nor a network; write for example 10.1.0.0/16`);
  }

  /** A regular expression that Envoy (RE2) takes. */
  regex(value: string | undefined, path: Path): void {
    if (value === undefined) return;
    this.#regexSize += compiledSize(value);
    const error =
      this.#regexSize > MAX_REGEX_SIZE
        ? "makes the regular expressions of this object too large together; split it, or repeat less in them"
        : regexError(value);
    if (error !== undefined) this.fail(path, error);
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
        this.fail([...path, i], `"${each}" is not a namespace; write a namespace, . or *`);
      const own = each === "." ? this.namespace : each;
      if (seen.has(own)) this.fail([...path, i], `"${each}" is listed twice${own === each ? "" : `, also as ${own}`}`);
      seen.add(own);
    }
    if (seen.has("*") && seen.size > 1) this.fail(path, "* cannot be together with namespaces");
    if (seen.has("~") && seen.size > 1) this.fail(path, "~ cannot be together with namespaces");
  }

  /** Text that becomes part of a header: no control characters. */
  headerText(value: string | undefined, path: Path): void {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    if (value !== undefined && /[\x00-\x1f\x7f]/.test(value)) this.fail(path, "must not contain control characters");
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
    if (given.length > 1) this.fail(path, `set one of ${given.join(", ")}, not ${given.length}`);
    if (match.prefix === "" && !emptyPrefix) this.fail([...path, "prefix"], "must not be empty");
    if (match.regex === "") this.fail([...path, "regex"], "must not be empty");
    this.regex(match.regex, [...path, "regex"]);
  }
}
