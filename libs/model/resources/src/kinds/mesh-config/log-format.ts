import type { Path } from "@xebec/model-schema";
import type { Checker } from "../../rules/checker.ts";
import { checkFormat, LOG_EXTENSIONS } from "../shared/envoy-commands.ts";

/** Envoy reads messages of 100 levels at the most; each level of a format is three. */
const MAX_DEPTH = 16;

/** Text with commands of Envoy's access log. Envoy would refuse every listener for one that it cannot read. */
export function checkCommands(text: string, path: Path, check: Checker): void {
  checkFormat(text, path, check, LOG_EXTENSIONS);
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
