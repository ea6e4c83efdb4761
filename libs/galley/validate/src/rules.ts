import { isIPv4, isIPv6 } from "node:net";
import { parseDuration } from "@xebec/core-duration";
import type { Violation } from "@xebec/model-resources";
import { RE2JS } from "re2js";

type Path = readonly (string | number)[];

/** Envoy counts nanoseconds in 64 bits. */
const MAX_DURATION_MS = 876_000 * 3_600_000;

/** Gathers violations; every rule that a schema cannot hold is written with it. */
export class Checker {
  readonly violations: Violation[] = [];

  fail(path: Path, message: string): void {
    this.violations.push({ path, message });
  }

  require(holds: boolean, path: Path, message: string): void {
    if (!holds) this.fail(path, message);
  }

  /** A duration, longer than nothing unless `zero` allows it; absent is fine. */
  duration(value: string | undefined, path: Path, { zero = true } = {}): void {
    if (value === undefined) return;
    const ms = parseDuration(value);
    if (ms === undefined) this.fail(path, `"${value}" is no duration; write for example 1s, 500ms or 1m30s`);
    else if (ms < 0 || (ms === 0 && !zero)) this.fail(path, `must be longer than 0, not ${value}`);
    else if (ms !== 0 && ms < 1) this.fail(path, `must be at least 1ms, not ${value}`);
    else if (ms > MAX_DURATION_MS) this.fail(path, `must be at most 876000h (100 years), not ${value}`);
  }

  /** A DNS name, or with `wildcard` one that begins with `*.`, or `*`. */
  host(value: string, path: Path, { wildcard = true, short = true } = {}): void {
    if (isIp(value)) return;
    const rest = value === "*" ? "" : value.replace(/^\*\.?/, "");
    if (value.startsWith("*") && !wildcard) this.fail(path, `"${value}" must not be a wildcard`);
    else if (rest !== "" && !isDnsName(rest)) this.fail(path, `"${value}" is no host name`);
    else if (!short && !value.includes(".") && value !== "*")
      this.fail(path, `"${value}" must be a full name with a domain`);
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
    if (value === undefined || value === "*") return;
    if (value.length > 1024) this.fail(path, "is longer than 1024 characters");
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
      if (seen.has(each)) this.fail([...path, i], `"${each}" is given twice`);
      seen.add(each);
    }
    if (seen.has("*") && seen.size > 1) this.fail(path, "* cannot be together with namespaces");
    if (seen.has("~") && seen.size > 1) this.fail(path, "~ cannot be together with namespaces");
  }

  /** Text that becomes part of a header: no control characters. */
  headerText(value: string | undefined, path: Path): void {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    if (value !== undefined && /[\x00-\x1f\x7f]/.test(value)) this.fail(path, "must not hold control characters");
  }

  /** Exactly one of exact, prefix and regex, or nothing. */
  stringMatch(match: { exact?: string; prefix?: string; regex?: string } | undefined, path: Path): void {
    if (!match) return;
    const given = Object.keys(match);
    if (given.length > 1) this.fail(path, `give one of ${given.join(", ")}, not ${given.length}`);
    if (match.prefix === "") this.fail([...path, "prefix"], "must not be empty");
    if (match.regex === "") this.fail([...path, "regex"], "must not be empty");
    this.regex(match.regex, [...path, "regex"]);
  }
}

/** A name of a header (RFC 9110, "token"). */
export function isToken(text: string): boolean {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text);
}

export function isIp(text: string): boolean {
  return isIPv4(text) || (isIPv6(text) && !text.includes("%"));
}

/** RFC 1123 names, with underscores as Istio allows them. */
export function isDnsName(text: string): boolean {
  return (
    text.length <= 255 &&
    text.split(".").every((label) => /^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/.test(label))
  );
}

/** An RFC 1123 label, as names of subsets and ports are. */
export function isLabel(text: string): boolean {
  return /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/i.test(text);
}
