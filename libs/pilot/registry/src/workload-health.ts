import type { Resource } from "@xebec/model-resources";

const ANNOTATION = "proxy.istio.io/health-checks-enabled";
/** What Go's strconv.ParseBool takes for true. */
const TRUE = new Set(["1", "t", "T", "TRUE", "true", "True"]);

/** True for a WorkloadEntry whose agent may report its health, whether or not that counts. */
export function hasHealthReports({ annotations }: Pick<Resource, "annotations">): boolean {
  return annotations?.[ANNOTATION] !== undefined;
}

/** True for a WorkloadEntry that is called only while its agent reports that it is healthy (docs/reference/pilot.md §1.8). */
export function isHealthChecked({ annotations }: Pick<Resource, "annotations">): boolean {
  return TRUE.has(annotations?.[ANNOTATION] ?? "");
}
