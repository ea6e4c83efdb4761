import type { MeshConfigSpec } from "@xebec/model-resources";
import type { Checker } from "./rules.ts";

/** Envoy reads messages of 100 levels at the most; each level of a format is three. */
const MAX_DEPTH = 16;

/** A command of Envoy's access log, with what it is about and a length; or a percent sign. */
const OPERATOR = /%[A-Z][A-Z0-9_]*(\([\s\S]*?\))?(:[0-9]+)?%|%%/g;

/** Semantic rules of the mesh configuration (spec/pilot.md §3.13). */
export function checkMeshConfig(spec: MeshConfigSpec, check: Checker): void {
  check.duration(spec.connectTimeout, ["spec", "connectTimeout"]);
  // Envoy would refuse every listener of the mesh.
  const rest = (spec.accessLogFormat ?? "").replace(OPERATOR, "");
  const stray = rest.indexOf("%");
  if (stray !== -1)
    check.fail(
      ["spec", "accessLogFormat"],
      `"${rest.slice(stray, stray + 20).trim()}" is no command; write %COMMAND%, %COMMAND(WHAT)% or %% for a percent sign`,
    );
  if (spec.accessLogEncoding !== "JSON" || !spec.accessLogFormat) return;
  const path = ["spec", "accessLogFormat"];
  let format: unknown;
  try {
    format = JSON.parse(spec.accessLogFormat);
  } catch (error) {
    check.fail(path, `accessLogEncoding is JSON, and this is no JSON (${(error as Error).message}); ${EXAMPLE}`);
    return;
  }
  if (format === null || typeof format !== "object" || Array.isArray(format))
    check.fail(path, `accessLogEncoding is JSON, and this is no JSON object; ${EXAMPLE}`);
  else if (isDeeper(format, MAX_DEPTH)) check.fail(path, `is nested deeper than ${MAX_DEPTH} levels`);
}

const EXAMPLE = 'write for example {"code": "%RESPONSE_CODE%"}, or leave it out for the usual fields';

function isDeeper(value: unknown, levels: number): boolean {
  if (value === null || typeof value !== "object") return false;
  return levels === 0 || Object.values(value).some((each) => isDeeper(each, levels - 1));
}
