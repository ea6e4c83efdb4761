import type { Checker } from "../../rules/checker.ts";
import type { MeshConfigSpec } from "./schema.ts";

/** Envoy reads messages of 100 levels at the most; each level of a format is three. */
const MAX_DEPTH = 16;

/** A command of Envoy's access log, with what it is about and a length; or a percent sign. */
const OPERATOR = /%[A-Z][A-Z0-9_]*(\([\s\S]*?\))?(:[0-9]+)?%|%%/g;

/** Where the one mesh configuration is: whoever may write in another namespace must not change the whole mesh. */
const PLACE = { namespace: "istio-system", name: "mesh" } as const;

/** Only the object `mesh` of the namespace istio-system, or the config map `istio` there, is the mesh configuration. */
export function checkMeshIdentity(
  identity: { readonly namespace: string; readonly name: string },
  check: Checker,
): void {
  const { namespace, name } = PLACE;
  if (identity.namespace !== namespace)
    check.fail(
      ["metadata", "namespace"],
      `the mesh configuration is in the namespace ${namespace}, not in ${identity.namespace}; this one has no effect`,
    );
  else if (identity.name !== name)
    check.fail(["metadata", "name"], `the mesh configuration is named ${name}, not ${identity.name}`);
}

/** Semantic rules of the mesh configuration (docs/reference/pilot.md §3.13). */
export function checkMeshConfig(spec: MeshConfigSpec, check: Checker): void {
  check.duration(spec.connectTimeout, ["spec", "connectTimeout"]);
  // Envoy would refuse every listener of the mesh.
  const rest = (spec.accessLogFormat ?? "").replace(OPERATOR, "");
  const stray = rest.indexOf("%");
  if (stray !== -1)
    check.fail(
      ["spec", "accessLogFormat"],
      `"${rest.slice(stray, stray + 20).trim()}" is not a command; write %COMMAND%, %COMMAND(WHAT)% or %% for a percent sign`,
    );
  if (spec.accessLogEncoding !== "JSON" || !spec.accessLogFormat) return;
  const path = ["spec", "accessLogFormat"];
  let format: unknown;
  try {
    format = JSON.parse(spec.accessLogFormat);
  } catch (error) {
    check.fail(path, `accessLogEncoding is JSON, and this is not JSON (${(error as Error).message}); ${EXAMPLE}`);
    return;
  }
  if (format === null || typeof format !== "object" || Array.isArray(format))
    check.fail(path, `accessLogEncoding is JSON, and this is not a JSON object; ${EXAMPLE}`);
  else if (isDeeper(format, MAX_DEPTH)) check.fail(path, `is nested deeper than ${MAX_DEPTH} levels`);
}

const EXAMPLE = 'write for example {"code": "%RESPONSE_CODE%"}, or leave it out for the usual fields';

function isDeeper(value: unknown, levels: number): boolean {
  if (value === null || typeof value !== "object") return false;
  return levels === 0 || Object.values(value).some((each) => isDeeper(each, levels - 1));
}
