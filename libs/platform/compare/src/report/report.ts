import { publishedTables } from "../facts/published.ts";
import type { FactTable, FigureSummary, Results } from "../results.ts";
import { isOutage } from "./blast-radius.ts";
import { chartsOf, factTable } from "./figures.ts";
import { findings, leadOf } from "./findings.ts";
import { escapeHtml as html } from "./html.ts";
import { STYLE } from "./style.ts";

/** What each shape is, for readers who know none. */
const SHAPES: Readonly<Record<string, string>> = {
  services:
    "six processes, as Istio 1.1 had them: galley, pilot, citadel, sidecar-injector, mixer-policy and mixer-telemetry, which talk over a bus (NATS)",
  istiod: "Istio's own istiod, another program: from files, without Mixer and certificates, with one Envoy",
  monolith: "the same six parts, the same code, in one process called istiod, as Istio has it since 1.5",
};

/** @returns a page that needs nothing else: charts are SVG, each with its table */
export async function report(results: Results): Promise<string> {
  const { scenarios, shapes, repetitions, command } = results;
  const sections: string[] = [];
  const links: string[] = [];
  const add = (id: string, title: string, body: string): void => {
    links.push(`<li><a href="#${html(id)}">${html(title)}</a></li>`);
    sections.push(`<section id="${html(id)}"><h2>${html(title)}</h2>${body}</section>`);
  };
  for (const { name, question, about } of scenarios) {
    const figures = results.summaries.filter(({ scenario }) => scenario === name);
    if (figures.length === 0) continue;
    const again = `xebec compare ${name} --shapes ${shapes.join(",").replace("istiod", "istiod=PATH")} --repeat ${repetitions}`;
    add(
      name,
      question,
      `${about ? `<p>${html(about)}</p>` : ""}${await chartsOf(figures, results)}<p class="raw">Measured by <code>${html(command)}</code>; this part alone: <code>${html(again)}</code>.</p>`,
    );
  }
  const facts: readonly FactTable[] = [...results.facts, ...publishedTables(results)];
  let fact = 0;
  for (const [question, tables] of Map.groupBy(facts, (each) => each.question))
    add(`facts-${++fact}`, question, (await Promise.all(tables.map(factTable))).join(""));
  add("trust", "How far to trust this page", trustText(results));
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
<p>A service mesh has a control plane: it configures the proxies (Envoy) that carry the requests, issues certificates, and, in Istio 1.1, checks and counts requests. Should it be several services, or one process? Here the same code was run both ways with the same proxies and the same application, ${repetitions === 1 ? "once each" : `${repetitions} times each, by turns`}:</p>
<ul class="shapes">${shapes.map((each, i) => `<li><span class="swatch" style="background:var(--shape-${i})"></span><b>${html(each)}</b>${SHAPES[each] ? `: ${html(SHAPES[each])}` : ""}</li>`).join("")}</ul>
${results.complete ? "" : "<p class=warning>This comparison was broken off: some repetitions are missing.</p>"}
<section id="findings"><h2>What was found</h2><p class="lead">${html(leadOf(results))}</p>${findings(results)
    .map(
      ({ title, lines }) => `<h3>${html(title)}</h3><ul>${lines.map((each) => `<li>${html(each)}</li>`).join("")}</ul>`,
    )
    .join("")}</section>
<nav><h2>Questions</h2><ul>${links.join("")}</ul></nav>
${sections.join("\n")}
</main>
</body>
</html>
`;
}

function trustText(results: Results): string {
  const { command, started, ended, machine, versions, problems, notApplicable = [], summaries, shapes } = results;
  return `
<p>A figure is the median of its repetitions; the thin line in a bar, and the numbers in brackets, reach from the lowest to the highest. The shapes take turns, and the order of the turns
changes with each repetition, so that what changes on the machine falls on all of them. Two shapes are said to differ when chance alone would give ranks as far apart in less than 5 % of all arrangements
(a permutation test of the rank sum, which takes at least four repetitions of each). Everything else is "no difference seen", which is not the same as "equal". ${html(chanceText(summaries, shapes))}${html(lateText(results))}</p>
<dl>
<dt>Command</dt><dd><code>${html(command)}</code></dd>
<dt>When</dt><dd>${html(started)} to ${html(ended)}</dd>
<dt>Machine</dt><dd>${machine.cores} cores, ${html(machine.processor)}, ${machine.memoryMib} MiB, Linux ${html(machine.kernel)}; load before the run ${machine.loadBefore}${machine.loadBefore > machine.cores / 2 ? ": <b>others were at work on it, which disturbs every figure</b>" : ""}</dd>
<dt>Versions</dt><dd>${Object.entries(versions)
    .map(([name, version]) => `${html(name)} ${html(version)}`)
    .join(", ")}</dd>
<dt>Raw data</dt><dd><code>results.json</code> beside this page: every value of every repetition; <code>parts/</code>: the same, by repetition, shape and scenario</dd>
</dl>
<h3>What does not compare</h3>
<ul>
<li>Load, proxies, applications and control plane share one machine: differences between shapes hold more than values.</li>
<li>In a cluster, parts of a control plane are on several machines, with a network in between: what a hop costs there is not seen here.</li>
<li>On a laptop a supervisor starts what has died within a fraction of a second; a cluster takes longer, for either shape.</li>
<li>Istio's own istiod is another program in another language, and has no Mixer: it sends other bytes, checks nothing and counts nothing in the control plane. Where it is a shape here, figures that need Mixer are missing for it.</li>
</ul>
${notApplicable.length === 0 ? "" : `<h3>Not applicable</h3><ul>${notApplicable.map((each) => `<li>${html(each)}</li>`).join("")}</ul>`}
${problems.length === 0 ? "" : `<h3>What could not be measured</h3><ul>${problems.map((each) => `<li>${html(each)}</li>`).join("")}</ul>`}`;
}

/** Says when the machine was too busy for the load. */
function lateText({ samples, scenarios }: Results): string {
  const late = samples.filter(({ figure, value }) => figure === "sent late" && value > 0);
  if (late.length === 0) return "";
  const names = new Set(
    late.map(({ scenario }) => scenarios.find(({ name }) => name === scenario)?.question ?? scenario),
  );
  return ` In ${late.length} measurements some requests were sent more than 20 ms after they were due, since the machine was busy ("${[...names].join('", "')}"): their latencies hold that wait.`;
}

/** How many of the differences may be chance. */
function chanceText(summaries: readonly FigureSummary[], [, ...others]: readonly string[]): string {
  const compared = summaries
    .filter((each) => !isOutage(each))
    .flatMap((each) => others.flatMap((other) => each.comparisons[other] ?? []))
    .filter(({ verdict }) => verdict !== "too few repetitions");
  if (compared.length === 0) return "This run has too few repetitions to say that anything differs.";
  const different = compared.filter(({ verdict }) => verdict !== "no difference seen").length;
  return `Of ${compared.length} figures that were compared, ${different} differ; were there no difference at all, some ${Math.ceil(compared.length * 0.05)} would seem to.`;
}
