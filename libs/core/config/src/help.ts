import type { ConfigSpec } from "./define.ts";
import { envName } from "./load.ts";

/** The text of `--help`: every flag with what it does, its default and its environment variable. */
export function helpText(spec: ConfigSpec): string {
  const lines = Object.entries(spec.options).map(([name, each]) => {
    const value = each.kind === "boolean" ? "" : each.kind === "number" ? " N" : " TEXT";
    const shown = defaultText(each.default);
    const fallback = shown === "" ? "" : ` [${shown}]`;
    const variables = [envName(spec.service, name), ...(each.env ? [each.env] : [])].join(", ");
    return `  --${name}${aliasesOf(spec, name)}${value}\n      ${each.help}${fallback}\n      env ${variables}`;
  });
  return [
    `${spec.service}: ${spec.summary}`,
    "",
    "Flags (flags win over environment, environment over --config-file, the file over defaults):",
    ...lines,
    ...ignoredFlags(spec),
    "  --config-file FILE\n      YAML with the same names as the flags",
    "  --help\n      this text",
    "",
  ].join("\n");
}

/** A number without bound is described in words: its 300 digits say less. */
function defaultText(value: unknown): string {
  if (value === undefined) return "";
  if (value === Number.MAX_VALUE || value === Number.POSITIVE_INFINITY) return "no limit";
  return Array.isArray(value) ? value.join(",") : String(value);
}

/** The other names of an option: `, -n`. */
function aliasesOf({ aliases = {} }: ConfigSpec, name: string): string {
  return Object.entries(aliases)
    .filter(([, option]) => option === name)
    .map(([alias]) => `, ${alias.length === 1 ? "-" : "--"}${alias}`)
    .join("");
}

function ignoredFlags({ ignored = {} }: ConfigSpec): string[] {
  const names = Object.keys(ignored);
  return names.length === 0 ? [] : [`  --${names.join(", --")}\n      accepted for Istio's charts, without effect`];
}
