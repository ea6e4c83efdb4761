import * as vega from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import type { FigureSummary } from "../results.ts";

/** Colors are names of the page's style: one drawing serves light and dark. */
const CONFIG = {
  background: "transparent",
  font: "system-ui, sans-serif",
  axis: {
    ...{
      labelColor: "currentColor",
      titleColor: "currentColor",
      tickColor: "currentColor",
      domainColor: "currentColor",
    },
    ...{ gridColor: "currentColor", gridOpacity: 0.12, labelLimit: 260 },
  },
  legend: { labelColor: "currentColor", titleColor: "currentColor", orient: "top" as const },
  title: { color: "currentColor" },
  text: { color: "currentColor" },
  view: { stroke: null },
};
const WIDTH = 420;

/** @param figures of one group @returns an SVG element: a bar for each figure and shape, with a line from the lowest to the highest value */
export async function barChart(figures: readonly FigureSummary[], shapes: readonly string[]): Promise<string> {
  const values = figures.flatMap(({ figure, shapes: measured }) =>
    Object.entries(measured).map(([shape, { median, min, max }]) => ({ figure, shape, median, min, max })),
  );
  const y = { field: "figure", type: "nominal", title: null, sort: null } as const;
  const yOffset = { field: "shape", type: "nominal", sort: [...shapes] } as const;
  const spec = {
    ...{ data: { values }, width: WIDTH, height: { step: 14 }, config: CONFIG },
    encoding: { y, yOffset },
    layer: [
      {
        mark: { type: "bar", cornerRadiusEnd: 2 },
        encoding: {
          x: { field: "median", type: "quantitative", title: figures[0]?.unit ?? "" },
          color: colorOf(shapes),
        },
      },
      {
        mark: { type: "rule", color: "currentColor", opacity: 0.7 },
        encoding: { x: { field: "min", type: "quantitative" }, x2: { field: "max" } },
      },
    ],
  } as unknown as TopLevelSpec;
  return draw(spec);
}

/** The blast radius: components by functions, the darker the longer a function was away. */
export async function heatMap(figures: readonly FigureSummary[], shape: string): Promise<string> {
  const values = figures.flatMap(({ group, figure, shapes: measured }) => {
    const median = measured[shape]?.median;
    return median === undefined ? [] : [{ group, figure, median, label: median === 0 ? "" : median.toFixed(1) }];
  });
  const x = {
    field: "figure",
    type: "nominal",
    title: null,
    sort: null,
    axis: { labelAngle: -30, orient: "top" },
  } as const;
  const y = { field: "group", type: "nominal", title: null, sort: null } as const;
  const spec = {
    ...{ data: { values }, width: { step: 62 }, height: { step: 26 }, config: CONFIG, encoding: { x, y } },
    layer: [
      {
        mark: { type: "rect", stroke: "currentColor", strokeOpacity: 0.15, color: "var(--away)" },
        encoding: {
          opacity: {
            ...{ field: "median", type: "quantitative", legend: null },
            scale: { type: "sqrt", domain: [0, Math.max(0.1, ...values.map(({ median }) => median))], range: [0, 1] },
          },
        },
      },
      { mark: { type: "text", color: "currentColor" }, encoding: { text: { field: "label" } } },
    ],
  } as unknown as TopLevelSpec;
  return draw(spec);
}

function colorOf(shapes: readonly string[]): object {
  const range = shapes.map((_, i) => `var(--shape-${i})`);
  return { field: "shape", type: "nominal", title: null, scale: { domain: [...shapes], range } };
}

async function draw(spec: TopLevelSpec): Promise<string> {
  const view = new vega.View(vega.parse(compile(spec).spec), { renderer: "none" });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}
