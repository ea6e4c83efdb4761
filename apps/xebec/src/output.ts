import { escapeLine } from "@xebec/core-log";
import { writeYaml } from "@xebec/core-yaml";

export const FORMATS = ["table", "json", "yaml"] as const;
export type Format = (typeof FORMATS)[number];

/** Columns as wide as their longest cell, three blanks between them, as kubectl prints. No cell can look like another line. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows].map((row) => row.map(escapeLine));
  const widths = header.map((_, column) => Math.max(...all.map((row) => (row[column] ?? "").length)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("   ")
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join("");
}

/** A listing in the format that was asked for. @param text gives the table; called only when it is wanted */
export function listing(format: Format, data: unknown, text: () => string): string {
  if (format === "json") return `${JSON.stringify(data, null, 2)}\n`;
  return format === "yaml" ? writeYaml(data) : text();
}

export function print(text: string): void {
  process.stdout.write(text.endsWith("\n") || text === "" ? text : `${text}\n`);
}
