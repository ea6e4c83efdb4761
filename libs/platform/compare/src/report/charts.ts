import * as vega from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import type { FactChart, FactMatrix, FigureSummary } from "../results.ts";

/** Colors are names of the page's style: one drawing serves light and dark. */
const config = (labelLimit: number) => ({
  background: "transparent",
  font: "system-ui, sans-serif",
  axis: {
    ...{
      labelColor: "currentColor",
      titleColor: "currentColor",
      tickColor: "currentColor",
      domainColor: "currentColor",
    },
    ...{ gridColor: "currentColor", gridOpacity: 0.12, labelLimit, titleFontWeight: "normal" as const },
  },
  legend: { labelColor: "currentColor", titleColor: "currentColor", orient: "top" as const },
  title: { color: "currentColor" },
  text: { color: "currentColor" },
  view: { stroke: null },
});

/** Two drawings of each chart: text keeps its size, whatever the width of the page. */
const SIZES = { wide: { plot: 480, label: 300, cell: 62 }, narrow: { plot: 170, label: 135, cell: 25 } } as const;
type Size = (typeof SIZES)[keyof typeof SIZES];

/** @param figures of one group @returns drawings with a bar for each figure and shape, and a line from the lowest to the highest value */
export function barChart(figures: readonly FigureSummary[], shapes: readonly string[]): Promise<string> {
  const values = figures.flatMap(({ figure, shapes: measured }) =>
    Object.entries(measured).map(([shape, { median, min, max }]) => ({ figure, shape, median, min, max })),
  );
  const y = { field: "figure", type: "nominal", title: null, sort: null } as const;
  const yOffset = { field: "shape", type: "nominal", sort: [...shapes] } as const;
  return draw(({ plot, label }) => ({
    ...{ data: { values }, width: plot, height: { step: 14 }, config: config(label) },
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
  }));
}

/** Latencies by percentile, from many requests to few: a point for each shape, and a line from the lowest to the highest value. */
export function percentileChart(figures: readonly FigureSummary[], shapes: readonly string[]): Promise<string> {
  const values = figures.flatMap(({ figure, shapes: measured }) =>
    Object.entries(measured).map(([shape, { median, min, max }]) => ({
      ...{ shape, median, min, max },
      percentile: figure.replace(/th percentile$/, " %").replace("median", "50 %"),
    })),
  );
  const x = { field: "percentile", type: "ordinal", title: "so many of the requests were faster", sort: null } as const;
  return draw(({ plot, label }) => ({
    ...{ data: { values }, width: plot, height: 200, config: config(label) },
    encoding: { x: { ...x, axis: { labelAngle: 0 } }, color: colorOf(shapes) },
    layer: [
      {
        mark: { type: "line", point: { filled: true, size: 40 } },
        encoding: {
          y: { field: "median", type: "quantitative", title: figures[0]?.unit ?? "", scale: { type: "log" } },
        },
      },
      {
        mark: { type: "rule", opacity: 0.6 },
        encoding: {
          y: { field: "min", type: "quantitative" },
          y2: { field: "max" },
        },
      },
    ],
  }));
}

/** The blast radius: components by functions, the darker the longer a function was away. */
export function heatMap(figures: readonly FigureSummary[], shape: string): Promise<string> {
  const values = figures.flatMap(({ group, figure, shapes: measured }) => {
    const median = measured[shape]?.median;
    return median === undefined
      ? []
      : [{ row: group, column: figure, value: median, label: median === 0 ? "" : median.toFixed(1) }];
  });
  return matrixOf(values, {
    type: "sqrt",
    domain: [0, Math.max(0.1, ...values.map(({ value }) => value))],
    range: [0, 1],
  });
}

/** Who has what. */
export function matrixChart({ columns, rows }: FactMatrix): Promise<string> {
  const values = rows.flatMap(({ label: row, has }) =>
    columns.map((column, i) => ({ row, column, value: has[i] ? 1 : 0, label: "" })),
  );
  return matrixOf(values, { type: "linear", domain: [0, 1], range: [0, 0.85] });
}

function matrixOf(
  values: readonly { readonly row: string; readonly column: string; readonly value: number; readonly label: string }[],
  scale: object,
): Promise<string> {
  const y = { field: "row", type: "nominal", title: null, sort: null } as const;
  return draw(({ cell, label }) => {
    const axis = { labelAngle: -55, orient: "top", labelLimit: 200 };
    return {
      ...{ data: { values }, width: { step: cell }, height: { step: 26 }, config: config(label) },
      encoding: { x: { field: "column", type: "nominal", title: null, sort: null, axis }, y },
      layer: [
        {
          mark: { type: "rect", stroke: "currentColor", strokeOpacity: 0.25, color: "var(--away)" },
          encoding: { fillOpacity: { field: "value", type: "quantitative", legend: null, scale } },
        },
        { mark: { type: "text", color: "currentColor", fontSize: 10 }, encoding: { text: { field: "label" } } },
      ],
    };
  });
}

/** Bars of one kind. */
export function factChart({ unit, bars }: FactChart): Promise<string> {
  return draw(({ plot, label }) => ({
    ...{ data: { values: [...bars] }, width: plot, height: { step: 20 }, config: config(label) },
    mark: { type: "bar", cornerRadiusEnd: 2, color: "var(--shape-0)" },
    encoding: {
      y: { field: "label", type: "nominal", title: null, sort: null },
      x: { field: "value", type: "quantitative", title: unit },
    },
  }));
}

function colorOf(shapes: readonly string[]): object {
  const range = shapes.map((_, i) => `var(--shape-${i})`);
  return { field: "shape", type: "nominal", title: null, scale: { domain: [...shapes], range } };
}

async function draw(specOf: (size: Size) => object): Promise<string> {
  const drawings: string[] = [];
  for (const [name, size] of Object.entries(SIZES)) {
    const spec = specOf(size) as unknown as TopLevelSpec;
    const view = new vega.View(vega.parse(compile(spec).spec), { renderer: "none" });
    try {
      drawings.push(`<div class="chart ${name}">${await view.toSVG()}</div>`);
    } finally {
      view.finalize();
    }
  }
  return drawings.join("");
}
