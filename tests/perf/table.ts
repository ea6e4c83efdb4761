/** One line of the report. */
export interface Figure {
  readonly what: string;
  readonly value: string;
  readonly cpu: string;
  /** The goal of the design, for reading beside it. */
  readonly goal: string;
}

/** Prints figures as a table; nothing is judged. */
export function printTable(figures: readonly Figure[]): void {
  const rows = [{ what: "what", value: "result", cpu: "server CPU", goal: "goal" }, ...figures];
  const width = (key: keyof Figure): number => Math.max(...rows.map((row) => row[key].length));
  const [what, value, cpu] = [width("what"), width("value"), width("cpu")];
  for (const row of rows)
    console.log(`${row.what.padEnd(what)}  ${row.value.padEnd(value)}  ${row.cpu.padEnd(cpu)}  ${row.goal}`);
}

/** A percentile of values, by the nearest rank. */
export function percentile(values: readonly number[], rank: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil((rank / 100) * sorted.length) - 1)] ?? Number.NaN;
}
