import type { FigureSummary, Results } from "../results.ts";
import { numberText } from "../text.ts";

/** The figures that the summary speaks of, where they were measured. */
const HEADLINES: readonly { readonly is: (each: FigureSummary) => boolean; readonly what: string }[] = [
  {
    is: (each) => each.group === "cold start" && each.figure === "first request",
    what: "Until the first request after a cold start",
  },
  {
    is: (each) => each.group === "warm start" && each.figure === "all ready",
    what: "Until all is ready after a warm start",
  },
  {
    is: (each) => each.group === "memory at rest" && each.figure === "control plane",
    what: "Memory of the control plane at rest",
  },
  {
    is: (each) => each.group.startsWith("processor time at rest") && each.figure === "control plane",
    what: "Processor time of the control plane at rest",
  },
  { is: (each) => each.group === "from saving to effect, median", what: "From saving to effect" },
  {
    is: (each) => each.group.endsWith("processor time of a change") && each.figure === "control plane",
    what: "Processor time of the control plane for a change",
  },
  {
    is: (each) => each.group.endsWith(": latency") && each.figure === "99th percentile",
    what: "99th percentile of latency",
  },
  {
    is: (each) => each.group.endsWith("for 1,000 requests") && each.figure === "control plane",
    what: "Processor time of the control plane for 1,000 requests",
  },
];
const AWAY_S = 0.05;

/** The summary in words: only what the numbers support. */
export function findings(results: Results): string[] {
  const [first = "", ...others] = results.shapes;
  const lines: string[] = [];
  for (const { is, what } of HEADLINES)
    for (const each of results.summaries.filter(is))
      for (const other of others) {
        const line = finding(each, what, first, other);
        if (line) lines.push(line);
      }
  lines.push(...results.shapes.flatMap((shape) => blastRadius(results, shape)));
  return lines.length > 0 ? lines : ["Nothing was measured to the end."];
}

function finding(each: FigureSummary, what: string, first: string, other: string): string | undefined {
  const [a, b] = [each.shapes[first], each.shapes[other]];
  const comparison = each.comparisons[other];
  if (!a || !b || !comparison) return undefined;
  const subject = /^(control plane|first request|all ready|99th percentile)$/.test(each.figure)
    ? subjectOf(each.group)
    : `, ${each.figure}`;
  const values = `${numberText(a.median, each.unit)} ${each.unit} with ${first}, ${numberText(b.median, each.unit)} ${each.unit} with ${other}`;
  const { verdict } = comparison;
  const said = verdict === "lower" || verdict === "higher" ? `${first} ${verdict}` : verdict;
  return `${what}${subject}: ${values}: ${said}.`;
}

function subjectOf(group: string): string {
  const name = /^(.*?)(: latency|: processor time.*)$/.exec(group)?.[1];
  return name ? `, ${name}` : "";
}

/** How much fails when one process is killed. */
function blastRadius({ summaries }: Results, shape: string): string[] {
  const kills = summaries.filter((each) => each.group.startsWith("kill ") && each.shapes[shape]);
  if (kills.length === 0) return [];
  const byComponent = [...Map.groupBy(kills, (each) => each.group.slice("kill ".length))].map(([component, list]) => {
    const away = list.filter((each) => (each.shapes[shape]?.median ?? 0) > AWAY_S).map((each) => each.figure);
    return `${component}: ${away.length === 0 ? "nothing" : away.join(", ")}`;
  });
  return [`What failed for a time when a process was killed, ${shape}: ${byComponent.join("; ")}.`];
}
