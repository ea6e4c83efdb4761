import { type Comparison, compare, type Summary, summaryOf } from "./statistics.ts";

export type Unit = "s" | "ms" | "%" | "MiB" | "1/s" | "count" | "µs";

/** One measured value. */
export interface Sample {
  readonly scenario: string;
  /** What is drawn together, for example `to all ready`, or `latency at 100/s`. */
  readonly group: string;
  /** One line of the group, for example a component. */
  readonly figure: string;
  readonly unit: Unit;
  readonly shape: string;
  /** Counted from 1. */
  readonly repetition: number;
  readonly value: number;
}

/** What was measured of one figure, and whether the shapes differ in it. */
export interface FigureSummary {
  readonly scenario: string;
  readonly group: string;
  readonly figure: string;
  readonly unit: Unit;
  readonly shapes: Readonly<Record<string, Summary>>;
  /** The first shape against each other one. */
  readonly comparisons: Readonly<Record<string, Comparison>>;
}

export interface Machine {
  readonly cores: number;
  readonly processor: string;
  readonly memoryMib: number;
  readonly kernel: string;
  /** Load of the machine when the comparison began: above 0.5 a core the figures are disturbed. */
  readonly loadBefore: number;
}

/** Bars of facts. */
export interface FactChart {
  readonly title: string;
  readonly unit: string;
  readonly bars: readonly { readonly label: string; readonly value: number }[];
}

/** Who has what: drawn as a matrix. */
export interface FactMatrix {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly { readonly label: string; readonly has: readonly boolean[] }[];
}

/** A table of facts that are not measured. */
export interface FactTable {
  /** The heading under which it stands, together with others. */
  readonly question: string;
  readonly title: string;
  readonly about: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
  readonly charts?: readonly FactChart[];
  readonly matrix?: FactMatrix;
}

export const RESULTS_FORMAT = 2;

/** `results.json`. */
export interface Results {
  readonly format: typeof RESULTS_FORMAT;
  readonly command: string;
  readonly started: string;
  readonly ended: string;
  /** False when the run was broken off: --resume goes on. */
  readonly complete: boolean;
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  readonly shapes: readonly string[];
  readonly repetitions: number;
  readonly scenarios: readonly { readonly name: string; readonly question: string; readonly about: string }[];
  readonly samples: readonly Sample[];
  readonly summaries: readonly FigureSummary[];
  readonly facts: readonly FactTable[];
  /** What makes no sense with some shape, and why. */
  readonly notApplicable?: readonly string[];
  /** What could not be measured, and why. */
  readonly problems: readonly string[];
}

/** Sums up samples; figures of one group stand together, in the order in which they came first. @param shapes in the order in which they are compared */
export function summarize(samples: readonly Sample[], shapes: readonly string[]): FigureSummary[] {
  const groups = Map.groupBy(samples, ({ scenario, group }) => JSON.stringify([scenario, group]));
  const figures = [...groups.values()].flatMap((group) => [...Map.groupBy(group, ({ figure }) => figure).values()]);
  return figures.map((list) => {
    const { scenario, group, figure, unit } = list[0] as Sample;
    const values = new Map(shapes.map((shape) => [shape, valuesOf(list, shape)]));
    const first = shapes[0] as string;
    const summaries = [...values].flatMap(([shape, each]) => {
      const summary = summaryOf(each);
      return summary ? [[shape, summary] as const] : [];
    });
    const others = summaries
      .map(([shape]) => shape)
      .filter((shape) => shape !== first && summaryOf(values.get(first) ?? []));
    return {
      ...{ scenario, group, figure, unit, shapes: Object.fromEntries(summaries) },
      comparisons: Object.fromEntries(
        others.map((shape) => [shape, compare(values.get(first) ?? [], values.get(shape) ?? [])]),
      ),
    };
  });
}

function valuesOf(samples: readonly Sample[], shape: string): number[] {
  return samples.filter((each) => each.shape === shape).map(({ value }) => value);
}
