import type { Path } from "@xebec/model-schema";
import type { Checker } from "../../rules/checker.ts";
import type { HttpMatch } from "./http-match.ts";
import type { VirtualServiceSpec } from "./schema.ts";

interface Rule {
  readonly name?: string;
  readonly match?: readonly object[];
}

/** Warns of rules and matches that no request ever gets to, where Istio's webhook warns of them. */
export function warnOfUnreachable(spec: VirtualServiceSpec, check: Checker): void {
  for (const kind of ["http", "tls", "tcp"] as const) warnOfRules(spec[kind] ?? [], ["spec", kind], check);
  warnOfCovered(spec, check);
}

function warnOfRules(rules: readonly Rule[], path: Path, check: Checker): void {
  const seen = new Map<string, number>();
  let open = -1;
  for (const [i, rule] of rules.entries()) {
    const at = [...path, i];
    const matches = rule.match ?? [];
    if (matches.length === 0) {
      if (open >= 0) check.warn(at, `is never used: ${ruleText(rules, open)} before it takes everything`);
      open = i;
      continue;
    }
    if (open >= 0) {
      check.warn(at, `is never used: ${ruleText(rules, open)} before it has no match and takes everything`);
      continue;
    }
    let used = 0;
    for (const [j, match] of matches.entries()) {
      const text = meaningOf(match);
      const earlier = seen.get(text);
      if (earlier === undefined) seen.set(text, i);
      else {
        used++;
        check.warn([...at, "match", j], `is never used: ${ruleText(rules, earlier)} has the same match`);
      }
    }
    if (used === matches.length) check.warn(at, "is never used: all of its matches stand in rules before it");
  }
}

function ruleText(rules: readonly Rule[], i: number): string {
  return rules[i]?.name ? `the rule "${rules[i]?.name}"` : `rule ${i}`;
}

const LISTS = new Set([
  ...["headers", "withoutHeaders", "queryParams", "sourceLabels", "gateways", "destinationSubnets"],
]);

/** Equal for matches that mean the same; a match's name means nothing. */
function meaningOf(match: object): string {
  const { name: _, ...rest } = match as HttpMatch;
  // An empty list or map is the same as none.
  const given = Object.entries(rest).filter(([name, each]) => !(LISTS.has(name) && Object.keys(each).length === 0));
  return JSON.stringify(sorted(Object.fromEntries(given)));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, each]) => [key, sorted(each)]));
}

/** A match for a prefix of a path, as far as it can be compared. */
interface Prefixed {
  readonly path: Path;
  readonly prefix: string;
  readonly port: number | undefined;
  readonly texts: readonly string[];
  readonly maps: readonly Readonly<Record<string, string>>[];
}

/** Most matches that are compared with each other; comparing is quadratic. */
const MAX_COMPARED = 500;

function warnOfCovered(spec: VirtualServiceSpec, check: Checker): void {
  const matches: Prefixed[] = [];
  let isOpen = false;
  for (const [i, rule] of (spec.http ?? []).entries()) {
    isOpen ||= !rule.match?.length;
    // What stands behind a rule that takes everything is reported already.
    if (isOpen) continue;
    for (const [j, match] of (rule.match ?? []).entries())
      if (match.uri?.prefix) matches.push(prefixed(match, match.uri.prefix, ["spec", "http", i, "match", j]));
  }
  for (const [i, wide] of matches.slice(0, MAX_COMPARED).entries())
    for (const narrow of matches.slice(i + 1, MAX_COMPARED))
      if (narrow.prefix !== wide.prefix && covers(wide, narrow))
        check.warn(
          narrow.path,
          `is never used: ${narrow.prefix} begins with ${wide.prefix}, which spec.http[${wide.path[2]}] takes before it`,
        );
}

function prefixed(match: HttpMatch, prefix: string, path: Path): Prefixed {
  const map = (values: HttpMatch["headers"]): Record<string, string> =>
    Object.fromEntries(Object.entries(values ?? {}).map(([name, value]) => [name, form(value)]));
  return {
    path,
    prefix,
    port: match.port,
    // A match without a method stands for reading, as Istio compares it.
    texts: [form(match.method) || "exact:GET", form(match.authority)],
    maps: [map(match.headers), map(match.queryParams), map(match.withoutHeaders)],
  };
}

function form(match: HttpMatch["uri"]): string {
  if (match?.exact) return `exact:${match.exact}`;
  return match?.prefix ? `prefix:${match.prefix}` : "";
}

function covers(wide: Prefixed, narrow: Prefixed): boolean {
  if (!narrow.prefix.startsWith(wide.prefix) || wide.port !== narrow.port) return false;
  if (!wide.texts.every((text, i) => text.startsWith(narrow.texts[i] as string))) return false;
  return wide.maps.every((map, i) => {
    const other = narrow.maps[i] ?? {};
    const names = Object.keys(map);
    if (names.length !== Object.keys(other).length) return false;
    return names.every((name) => Object.hasOwn(other, name) && map[name]?.startsWith(other[name] as string));
  });
}
