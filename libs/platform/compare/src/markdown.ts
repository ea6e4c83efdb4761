import { publishedTables } from "./facts/published.ts";
import { findings, leadOf } from "./report/findings.ts";
import type { FigureSummary, Results } from "./results.ts";
import { summaryText, verdictText } from "./text.ts";

/** Everything that a comparison found, as Markdown: the summary, a table for each group of figures, and the tables of facts. */
export function resultMarkdown(results: Results): string {
  const { scenarios, summaries, facts, machine, versions, repetitions, command, started } = results;
  const parts = [
    `Measured by \`${command}\` on ${started.slice(0, 10)}, ${repetitions} repetitions: ${machine.cores} cores (${machine.processor}), ` +
      `${machine.memoryMib} MiB, Linux ${machine.kernel}; load before the run ${machine.loadBefore}; ` +
      `${Object.entries(versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(", ")}.`,
    leadOf(results),
    ...findings(results).map(({ title, lines }) => `### ${title}\n\n${lines.map((each) => `- ${each}`).join("\n")}`),
  ];
  for (const { name, question } of scenarios) {
    const own = summaries.filter(({ scenario }) => scenario === name);
    if (own.length === 0) continue;
    parts.push(`## ${question}`);
    for (const [group, list] of Map.groupBy(own, (each) => each.group))
      parts.push(`**${group}** (${list[0]?.unit})\n\n${figureTable(list, results.shapes)}`);
  }
  for (const [question, tables] of Map.groupBy([...facts, ...publishedTables(results)], (each) => each.question)) {
    parts.push(`## ${question}`);
    for (const { title, about, columns, rows } of tables)
      parts.push(`### ${title}\n\n${about}\n\n${table(columns, rows)}`);
  }
  return `${parts.filter((each) => each !== "").join("\n\n")}\n`;
}

function figureTable(figures: readonly FigureSummary[], shapes: readonly string[]): string {
  const [first = "", ...others] = shapes;
  return table(
    ["", ...shapes, ...others.map((other) => `${first} against ${other}`)],
    figures.map((each) => [
      each.figure,
      ...shapes.map((shape) => (each.shapes[shape] ? summaryText(each.shapes[shape], each.unit) : "–")),
      ...others.map((other) => verdictText(each, other)),
    ]),
  );
}

function table(columns: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]): string =>
    `| ${cells.map((cell) => String(cell).replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(columns), `|${columns.map(() => "---|").join("")}`, ...rows.map(line)].join("\n");
}
