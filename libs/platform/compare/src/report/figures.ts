import { OTHERS } from "../components.ts";
import type { FactTable, FigureSummary, Results } from "../results.ts";
import { numberText, summaryText, verdictText } from "../text.ts";
import { isOutage } from "./blast-radius.ts";
import { barChart, factChart, heatMap, matrixChart, percentileChart } from "./charts.ts";
import { COPIES } from "./headlines.ts";
import { escapeHtml as html } from "./html.ts";

const CONTROL_PLANE = "control plane";

/** Charts of a scenario, each with its table; those that are for whoever wants to know more are folded away. */
export async function chartsOf(figures: readonly FigureSummary[], results: Results): Promise<string> {
  const { shapes } = results;
  const main: string[] = [];
  const more: string[] = [];
  const outages = figures.filter(isOutage);
  for (const shape of shapes) {
    const own = outages.filter((each) => each.shapes[shape]);
    if (own.length > 0)
      main.push(
        figureOf(`Seconds for which a function was away, ${shape}`, await heatMap(own, shape), outageTable(own, shape)),
      );
  }
  const groups = [
    ...Map.groupBy(
      figures.filter((each) => !isOutage(each)),
      ({ group }) => group,
    ),
  ];
  for (const [group, list] of byCopies(figures))
    main.push(figureOf(`By copies: ${group} (${list[0]?.unit})`, await barChart(list, shapes), tableOf(list, results)));
  const totals = totalsOf(groups.filter(([group]) => !COPIES.test(group)).map(([, list]) => list));
  for (const [group, list] of groups) {
    const isDetail =
      COPIES.test(group) ||
      totals.some((total) => total.group === group) ||
      isNothing(list) ||
      /ready after|failed requests$/.test(group);
    (isDetail ? more : main).push(await groupFigure(group, list, results));
  }
  for (const [unit, list] of Map.groupBy(totals, (each) => each.unit))
    main.push(
      figureOf(`Processor time of the control plane (${unit})`, await barChart(list, shapes), tableOf(list, results)),
    );
  if (more.length > 0)
    main.push(`<details class="more"><summary>By component, and more</summary>${more.join("")}</details>`);
  return main.join("");
}

/** Groups that were measured with several numbers of copies, as one: the sum of the components, or what decides. */
function byCopies(figures: readonly FigureSummary[]): ReadonlyMap<string, readonly FigureSummary[]> {
  const own = figures.filter(({ group }) => COPIES.test(group));
  const hasSum = new Set(own.filter(({ figure }) => figure === CONTROL_PLANE).map(({ group }) => group));
  const decides = ({ group, figure }: FigureSummary): boolean =>
    hasSum.has(group)
      ? figure === CONTROL_PLANE
      : !group.endsWith(": latency") || /^(median|99th percentile)$/.test(figure);
  const named = own.filter(decides).map((each) => {
    const copies = COPIES.exec(each.group)?.[1] ?? "";
    return { ...each, figure: each.figure === CONTROL_PLANE ? copies : `${copies}, ${each.figure}` };
  });
  const groups = Map.groupBy(named, ({ group }) => group.replace(COPIES, ""));
  for (const [group, list] of groups) if (isNothing(list)) groups.delete(group);
  return groups;
}

/** Of groups with a figure for each component, the sums, as figures with short names of the groups. */
function totalsOf(groups: readonly (readonly FigureSummary[])[]): FigureSummary[] {
  const sums = groups.flatMap((list) =>
    list
      .filter(
        ({ group, figure }) => figure === CONTROL_PLANE && /processor time/.test(group) && !/ at rest/.test(group),
      )
      .map((each) => ({ ...each, figure: shortName(each.group) })),
  );
  return sums.length > 1 ? sums : [];
}

/** `VirtualService, 1000 synthetic` of `VirtualService at the last of 1000 synthetic proxies: processor time of a change`. */
function shortName(group: string): string {
  return group
    .replace(/ at the last of (\d+ synthetic) proxies/, ", $1")
    .replace(/(, \d+ a second)?: processor time.*$/, "")
    .replace(/^processor time /, "");
}

function isNothing(list: readonly FigureSummary[]): boolean {
  return list.every((each) => Object.values(each.shapes).every(({ max }) => max === 0));
}

/** The sum first, then its parts, then what it does not hold. */
function inOrder(list: readonly FigureSummary[]): readonly FigureSummary[] {
  const rank = ({ figure }: FigureSummary): number => (figure === CONTROL_PLANE ? 0 : OTHERS.includes(figure) ? 2 : 1);
  return list.some(({ figure }) => figure === CONTROL_PLANE) ? list.toSorted((a, b) => rank(a) - rank(b)) : list;
}

async function groupFigure(group: string, figures: readonly FigureSummary[], results: Results): Promise<string> {
  const list = inOrder(figures);
  const title = `${group} (${list[0]?.unit})`;
  if (isNothing(list))
    return figureOf(title, "<p>0 with every shape, in every repetition.</p>", tableOf(list, results));
  const isLatency = group.endsWith(": latency") && list.length > 1;
  const chart = await (isLatency ? percentileChart(list, results.shapes) : barChart(list, results.shapes));
  return figureOf(title, chart, tableOf(list, results));
}

/** The charts of a table of facts, and the table. */
export async function factTable({ title, about, columns, rows, charts = [], matrix }: FactTable): Promise<string> {
  const drawn = await Promise.all(
    charts.map(async (each) => captioned(`${each.title} (${each.unit})`, await factChart(each))),
  );
  if (matrix) drawn.push(captioned(matrix.title, await matrixChart(matrix)));
  return `<h3>${html(title)}</h3><p>${html(about)}</p>${drawn.join("")}${table(columns, rows)}`;
}

function captioned(title: string, chart: string): string {
  return `<figure><figcaption>${html(title)}</figcaption>${chart}</figure>`;
}

function figureOf(title: string, chart: string, body: string): string {
  const caption = title.charAt(0).toUpperCase() + title.slice(1);
  return `<figure><figcaption>${html(caption)}</figcaption>${chart}<details><summary>As a table, with every value</summary>${body}</details></figure>`;
}

function tableOf(figures: readonly FigureSummary[], { shapes, samples }: Results): string {
  const [first = "", ...others] = shapes;
  const valuesOf = (each: FigureSummary, figure: string, shape: string): string =>
    samples
      .filter(
        (one) =>
          one.scenario === each.scenario && one.group === each.group && one.shape === shape && one.figure === figure,
      )
      .map(({ value }) => numberText(value, each.unit))
      .join(", ");
  const { scenario = "", group = "" } = figures[0] ?? {};
  const sameGroup = figures.every((each) => each.group === group);
  const rows = figures.map((each) => {
    // Figures of several groups stand under the names of these.
    const figure = sameGroup ? each.figure : (/^\d+ cop(?:y|ies), (.*)$/.exec(each.figure)?.[1] ?? CONTROL_PLANE);
    return [
      each.figure,
      ...shapes.map((shape) => (each.shapes[shape] ? summaryText(each.shapes[shape], each.unit) : "–")),
      ...others.map((other) => verdictText(each, other)),
      ...shapes.map((shape) => valuesOf(each, figure, shape)),
    ];
  });
  return `${table(
    [
      "",
      ...shapes,
      ...others.map((other) => `${first} against ${other}`),
      ...shapes.map((shape) => `all values, ${shape}`),
    ],
    rows,
  )}<p class="raw">Raw data: <code>results.json</code>, samples of the scenario <code>${html(scenario)}</code>${sameGroup ? ` in the group <code>${html(group)}</code>` : ""}.</p>`;
}

function outageTable(figures: readonly FigureSummary[], shape: string): string {
  const functions = [...new Set(figures.map((each) => each.figure))];
  const rows = [...Map.groupBy(figures, (each) => each.group)].map(([group, list]) => [
    group,
    ...functions.map((name) => {
      const summary = list.find((each) => each.figure === name)?.shapes[shape];
      return summary ? summaryText(summary, "s") : "–";
    }),
  ]);
  return table(["", ...functions], rows);
}

function table(columns: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const head = columns.map((each) => `<th scope="col">${html(each)}</th>`).join("");
  const body = rows.map(
    (row) =>
      `<tr>${row.map((cell, i) => (i === 0 ? `<th scope="row">${cellOf(cell)}</th>` : `<td>${cellOf(cell)}</td>`)).join("")}</tr>`,
  );
  return `<div class="table"><table><thead><tr>${head}</tr></thead><tbody>${body.join("")}</tbody></table></div>`;
}

function cellOf(cell: string | number): string {
  const text = html(cell);
  return typeof cell === "string" && /^https:\/\/\S+$/.test(cell) ? `<a href="${text}">${text}</a>` : text;
}
