import type { FigureSummary, Results, Unit } from "./results.ts";
import type { Summary } from "./statistics.ts";

/** A number with as many digits as its range allows. */
export function numberText(value: number, unit: Unit): string {
  const digits = unit === "count" || Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toFixed(digits);
}

/** `median [min–max]`. */
export function summaryText({ n, median, min, max }: Summary, unit: Unit): string {
  const text = numberText(median, unit);
  return n === 1 ? text : `${text} [${numberText(min, unit)}–${numberText(max, unit)}]`;
}

/** What a comparison says: `lower, 0.71 times (p 0.01)`. */
export function verdictText({ comparisons }: FigureSummary, other: string): string {
  const comparison = comparisons[other];
  if (!comparison) return "";
  const { verdict, ratio, p } = comparison;
  if (verdict !== "lower" && verdict !== "higher") return verdict;
  return `${verdict}${ratio === undefined ? "" : `, ${ratio.toFixed(2)} times`} (p ${p.toFixed(3)})`;
}

/** The figures as a table for a terminal. */
export function resultText({ shapes, summaries, problems, notApplicable = [], complete }: Results): string {
  const [first = "", ...others] = shapes;
  const rows: string[][] = [["", ...shapes, ...others.map((other) => `${first} against ${other}`)]];
  let heading = "";
  for (const each of summaries) {
    const title = `${each.scenario}: ${each.group} (${each.unit})`;
    if (title !== heading) rows.push([title]);
    heading = title;
    rows.push([
      `  ${each.figure}`,
      ...shapes.map((shape) => {
        const summary = each.shapes[shape];
        return summary ? summaryText(summary, each.unit) : "–";
      }),
      ...others.map((other) => verdictText(each, other)),
    ]);
  }
  const widths =
    rows[0]?.map((_, column) =>
      Math.max(...rows.filter((row) => row.length > 1).map((row) => row[column]?.length ?? 0)),
    ) ?? [];
  const lines = rows.map((row) =>
    row.length === 1
      ? (row[0] as string)
      : row
          .map((cell, i) => cell.padEnd(widths[i] ?? 0))
          .join("  ")
          .trimEnd(),
  );
  if (notApplicable.length > 0) lines.push("", "Not applicable:", ...notApplicable.map((each) => `  ${each}`));
  if (problems.length > 0) lines.push("", "What could not be measured:", ...problems.map((each) => `  ${each}`));
  if (!complete) lines.push("", "The comparison was broken off; go on with --resume.");
  return `${lines.join("\n")}\n`;
}
