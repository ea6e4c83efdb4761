import type { FactTable, FigureSummary, Results } from "../results.ts";
import { numberText, summaryText, verdictText } from "../text.ts";
import { barChart, heatMap } from "./charts.ts";
import { findings } from "./findings.ts";
import { escapeHtml as html } from "./html.ts";
import { STYLE } from "./style.ts";

/** The scenario whose figures are drawn as a matrix. */
const isOutage = ({ group }: FigureSummary): boolean => /^(kill|stop|slow) /.test(group);

/** @returns a page that needs nothing else: charts are SVG, each with its table */
export async function report(results: Results): Promise<string> {
  const { scenarios, shapes, repetitions, machine, versions, command, started, ended, problems } = results;
  const sections: string[] = [];
  for (const { name, question, about } of scenarios) {
    const figures = results.summaries.filter(({ scenario }) => scenario === name);
    if (figures.length === 0) continue;
    sections.push(
      `<section id="${html(name)}"><h2>${html(question)}</h2>${about ? `<p>${html(about)}</p>` : ""}${await chartsOf(figures, shapes)}</section>`,
    );
  }
  const links = scenarios.map(({ name, question }) => `<li><a href="#${html(name)}">${html(question)}</a></li>`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Six services against one process</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>Six services against one process</h1>
<p>The same code as ${shapes.map((each) => `<b>${html(each)}</b>`).join(", ")}: ${repetitions} ${repetitions === 1 ? "repetition" : "repetitions"} of each, alternately.</p>
${results.complete ? "" : "<p class=warning>This comparison was broken off: some repetitions are missing.</p>"}
<section id="findings"><h2>What was found</h2><ul>${findings(results)
    .map((each) => `<li>${html(each)}</li>`)
    .join("")}</ul></section>
<nav><ul>${links.join("")}<li><a href="#facts">What stands in the code</a></li><li><a href="#trust">How far to trust this page</a></li></ul></nav>
${sections.join("\n")}
<section id="facts"><h2>What stands in the code</h2>${results.facts.map(factTable).join("")}</section>
<section id="trust"><h2>How far to trust this page</h2>
<p>Bars are medians; the thin line reaches from the lowest to the highest repetition. A difference is named when a permutation test of the ranks gives it a chance below 5 %;
that takes at least four repetitions of each shape. Everything else is "no difference seen", which is not the same as "equal".</p>
<dl>
<dt>Command</dt><dd><code>${html(command)}</code></dd>
<dt>When</dt><dd>${html(started)} to ${html(ended)}</dd>
<dt>Machine</dt><dd>${machine.cores} cores, ${html(machine.processor)}, ${machine.memoryMib} MiB, Linux ${html(machine.kernel)}; load before the run ${machine.loadBefore}</dd>
<dt>Versions</dt><dd>${Object.entries(versions)
    .map(([name, version]) => `${html(name)} ${html(version)}`)
    .join(", ")}</dd>
<dt>Raw data</dt><dd><code>results.json</code> beside this page: every value of every repetition</dd>
</dl>
<p>Load, proxies, applications and both shapes share one machine: figures hold for it, differences more than values. Istio's own istiod has no Mixer and is another program: nothing here says what it would do.</p>
${problems.length === 0 ? "" : `<h3>What could not be measured</h3><ul>${problems.map((each) => `<li>${html(each)}</li>`).join("")}</ul>`}
</section>
</main>
</body>
</html>
`;
}

async function chartsOf(figures: readonly FigureSummary[], shapes: readonly string[]): Promise<string> {
  const parts: string[] = [];
  const outages = figures.filter(isOutage);
  if (outages.length > 0)
    for (const shape of shapes) {
      const own = outages.filter((each) => each.shapes[shape]);
      if (own.length > 0)
        parts.push(figure(`Seconds without, ${shape}`, await heatMap(own, shape), outageTable(own, shape)));
    }
  for (const [group, list] of Map.groupBy(
    figures.filter((each) => !isOutage(each)),
    (each) => each.group,
  ))
    parts.push(figure(`${group} (${list[0]?.unit})`, await barChart(list, shapes), figureTable(list, shapes)));
  return parts.join("");
}

function figure(title: string, svg: string, table: string): string {
  return `<figure><figcaption>${html(title)}</figcaption><div class="chart">${svg}</div><details><summary>as a table</summary>${table}</details></figure>`;
}

function figureTable(figures: readonly FigureSummary[], shapes: readonly string[]): string {
  const [first = "", ...others] = shapes;
  const rows = figures.map((each) => [
    each.figure,
    ...shapes.map((shape) => (each.shapes[shape] ? summaryText(each.shapes[shape], each.unit) : "–")),
    ...others.map((other) => verdictText(each, other)),
  ]);
  return table(["", ...shapes, ...others.map((other) => `${first} against ${other}`)], rows);
}

function outageTable(figures: readonly FigureSummary[], shape: string): string {
  const functions = [...new Set(figures.map((each) => each.figure))];
  const rows = [...Map.groupBy(figures, (each) => each.group)].map(([group, list]) => [
    group,
    ...functions.map((name) => {
      const summary = list.find((each) => each.figure === name)?.shapes[shape];
      return summary ? numberText(summary.median, "s") : "–";
    }),
  ]);
  return table(["", ...functions], rows);
}

function factTable({ title, about, columns, rows }: FactTable): string {
  return `<h3>${html(title)}</h3><p>${html(about)}</p>${table(columns, rows)}`;
}

function table(columns: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const head = columns.map((each) => `<th scope="col">${html(each)}</th>`).join("");
  const body = rows.map(
    (row) =>
      `<tr>${row.map((cell, i) => (i === 0 ? `<th scope="row">${html(cell)}</th>` : `<td>${html(cell)}</td>`)).join("")}</tr>`,
  );
  return `<div class="table"><table><thead><tr>${head}</tr></thead><tbody>${body.join("")}</tbody></table></div>`;
}
