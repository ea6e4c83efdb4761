import type { Path } from "@xebec/model-schema";
import type { Checker } from "../../rules/checker.ts";

/** Envoy reads messages of 100 levels at the most; each level of a format is three. */
const MAX_DEPTH = 16;

/** A command of Envoy's access log, with what it is about and a length; or a percent sign. */
const OPERATOR = /%[A-Z][A-Z0-9_]*(\([\s\S]*?\))?(:[0-9]+)?%|%%/g;

/** Text with commands of Envoy's access log. Envoy would refuse every listener for one that it cannot read. */
export function checkCommands(text: string, path: Path, check: Checker): void {
  const rest = text.replace(OPERATOR, "");
  const stray = rest.indexOf("%");
  if (stray !== -1)
    check.fail(
      path,
      `"${rest.slice(stray, stray + 20).trim()}" is not a command; write %COMMAND%, %COMMAND(WHAT)% or %% for a percent sign`,
    );
}

/** JSON whose texts have such commands. */
export function checkJsonFormat(format: object, path: Path, check: Checker): void {
  if (isDeeper(format, MAX_DEPTH)) check.fail(path, `is nested deeper than ${MAX_DEPTH} levels`);
  else checkTexts(format, path, check);
}

function checkTexts(value: unknown, path: Path, check: Checker): void {
  if (typeof value === "string") checkCommands(value, path, check);
  else if (value !== null && typeof value === "object")
    for (const [name, each] of Object.entries(value)) checkTexts(each, [...path, name], check);
}

function isDeeper(value: unknown, levels: number): boolean {
  if (value === null || typeof value !== "object") return false;
  return levels === 0 || Object.values(value).some((each) => isDeeper(each, levels - 1));
}
