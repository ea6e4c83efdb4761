import type { FigureSummary, Results } from "../results.ts";

/** A function that was away for less was not missed, in seconds: one attempt that failed. */
const AWAY_S = 0.05;

/** What a fault was done to, as groups of the scenario `failure` are named: `kill pilot`. */
const FAULT = /^(kill|stop|slow|cut) (.+)$/;

export const isOutage = ({ group, unit }: FigureSummary): boolean => FAULT.test(group) && unit === "s";

/** What failed when processes were harmed in one way. */
export interface Radius {
  readonly action: string;
  readonly shape: string;
  /** By process: the functions that were away, and for how many seconds, the worst first. */
  readonly processes: readonly {
    readonly name: string;
    readonly away: readonly (readonly [name: string, seconds: number])[];
  }[];
  readonly functions: number;
}

export function blastRadius({ summaries, shapes }: Results): Radius[] {
  const outages = summaries.filter(isOutage);
  return [...Map.groupBy(outages, ({ group }) => FAULT.exec(group)?.[1] as string)].flatMap(([action, list]) =>
    shapes.flatMap((shape) => {
      const own = list.filter((each) => each.shapes[shape]);
      if (own.length === 0) return [];
      const processes = [...Map.groupBy(own, ({ group }) => FAULT.exec(group)?.[2] as string)].map(
        ([name, figures]) => ({
          name,
          away: figures
            .map(({ figure, shapes: of }) => [figure, of[shape]?.median ?? 0] as const)
            .filter(([, seconds]) => seconds > AWAY_S)
            .sort(([, a], [, b]) => b - a),
        }),
      );
      return [{ action, shape, processes, functions: new Set(own.map(({ figure }) => figure)).size }];
    }),
  );
}

const DONE: Readonly<Record<string, string>> = {
  kill: "was killed",
  stop: "was stopped for a time",
  slow: "ran for a tenth of the time",
  cut: "was cut off from the bus",
};

/** `When one process was killed, services: 1.2 of 6 functions were away on average, ...`. */
export function radiusText({ action, shape, processes, functions }: Radius): string {
  const mean = processes.reduce((sum, { away }) => sum + away.length, 0) / processes.length;
  const worst = processes.toSorted((a, b) => seconds(b) - seconds(a))[0];
  const harmless = processes.filter(({ away }) => away.length === 0).map(({ name }) => name);
  const parts = [
    `When one process ${DONE[action] ?? action}, ${shape}: ${mean.toFixed(1)} of ${functions} functions were away on average`,
  ];
  if (worst && worst.away.length > 0)
    parts.push(
      `most with ${worst.name}: ${worst.away.map(([name, away]) => `${name} ${away.toFixed(1)} s`).join(", ")}`,
    );
  if (harmless.length > 0) parts.push(`nothing was away with ${harmless.join(", ")}`);
  return `${parts.join("; ")}.`;
}

function seconds({ away }: Radius["processes"][number]): number {
  return away.reduce((sum, [, each]) => sum + each, 0);
}
