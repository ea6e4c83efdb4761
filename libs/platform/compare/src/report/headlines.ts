import type { FigureSummary, Results } from "../results.ts";
import { ALL_REPLACED } from "../steps/upgrade.ts";
import { numberText } from "../text.ts";

/** How the first shape does in a figure, seen from another one. All figures are costs: less is better. */
export type Outcome = "better" | "worse" | "no difference seen" | "too few repetitions";

/** A figure that decides about a question, and what it says. */
export interface Headline {
  /** What it is one of several figures of. */
  readonly family: string;
  /** Which of them; empty when it is the only one. */
  readonly name: string;
  readonly figure: FigureSummary;
  readonly first: string;
  readonly other: string;
  readonly outcome: Outcome;
}

const CONTROL_PLANE = "control plane";
const SYNTHETIC = / at the last of (\d+) synthetic proxies/;

/** Groups of the scenario `scale`: `2 copies: memory at rest`. */
export const COPIES = /^(\d+ cop(?:y|ies)): /;

/** The figures that decide, as family and name; the others are details. */
function titleOf(each: FigureSummary): readonly [family: string, name: string] | undefined {
  const copies = COPIES.exec(each.group)?.[1];
  if (copies !== undefined) {
    const [family, name] = titleOf({ ...each, group: each.group.replace(COPIES, "") }) ?? [];
    return family === undefined ? undefined : [`With copies: ${family}`, name ? `${copies}, ${name}` : copies];
  }
  return plainTitleOf(each);
}

function plainTitleOf({ group, figure }: FigureSummary): readonly [family: string, name: string] | undefined {
  const many = SYNTHETIC.exec(group)?.[1];
  const among = many ? `${many} synthetic proxies` : "the real proxies";
  if (/^(cold|warm) start$/.test(group)) return ["Time until it works after a start", `${group}, ${figure}`];
  if (group.startsWith("from saving to effect") && group.endsWith(", median"))
    return [`Time from saving a change to its effect at the last of ${among}`, figure];
  if (group.startsWith("until ") && group.endsWith(" are configured")) return [`Time ${group}`, ""];
  if (group.endsWith(": latency") && /^(median|99th percentile)$/.test(figure))
    return ["Latency of requests", `${group.replace(/, \d+ a second: latency$/, "")}, ${figure}`];
  if (group.endsWith(": failed requests") && figure === "failed")
    return ["Requests that failed", group.replace(/: failed requests$/, "")];
  if (figure === ALL_REPLACED) return ["When all parts are replaced by another build", group.replace(/^.*: /, "")];
  if (figure !== CONTROL_PLANE) return undefined;
  if (/^(cold|warm) start: processor time$/.test(group))
    return ["Processor time of the control plane for a start", group.replace(": processor time", "")];
  if (group.includes(" at rest"))
    return [`${group.charAt(0).toUpperCase()}${group.slice(1).replace(", % of a core", "")} of the control plane`, ""];
  if (group.endsWith(": processor time of a change"))
    return [
      `Processor time of the control plane for a change, ${among}`,
      group.replace(SYNTHETIC, "").replace(/: processor time of a change$/, ""),
    ];
  if (group.endsWith(": processor time for 1,000 requests"))
    return ["Processor time of the control plane for 1,000 requests", group.replace(/, \d+ a second: .*$/, "")];
  return undefined;
}

/** The figures that the summary speaks of, where both shapes have them. */
export function headlines({ summaries, shapes }: Results): Headline[] {
  const [first = "", ...others] = shapes;
  return summaries.flatMap((figure) => {
    const title = titleOf(figure);
    if (title === undefined) return [];
    return others.flatMap((other) => {
      const verdict = figure.comparisons[other]?.verdict;
      if (!verdict) return [];
      const outcome = verdict === "lower" ? "better" : verdict === "higher" ? "worse" : verdict;
      return [{ family: title[0], name: title[1], figure, first, other, outcome } satisfies Headline];
    });
  });
}

/** `12.3 ms against 4.5 ms`. */
export function valuesText({ figure, first, other }: Headline): string {
  const [a, b] = mediansOf(figure, first, other);
  const unit = figure.unit === "count" ? "" : ` ${figure.unit}`;
  return `${numberText(a, figure.unit)}${unit} against ${numberText(b, figure.unit)}${unit}`;
}

/** How many times as much the first shape costs; undefined where that says nothing. */
export function factorOf({ figure, first, other }: Headline): number | undefined {
  const [a, b] = mediansOf(figure, first, other);
  return a > 0 && b > 0 ? a / b : undefined;
}

function mediansOf(figure: FigureSummary, first: string, other: string): readonly [number, number] {
  return [figure.shapes[first]?.median ?? 0, figure.shapes[other]?.median ?? 0];
}
