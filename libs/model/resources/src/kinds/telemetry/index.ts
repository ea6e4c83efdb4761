import type { Kind } from "../../kind.ts";
import { checkTelemetry, ineffectiveInTelemetry } from "./rules.ts";
import { TelemetrySpec } from "./schema.ts";

export const telemetry: Kind = {
  group: "telemetry.istio.io",
  kind: "Telemetry",
  plural: "telemetries",
  versions: ["v1alpha1", "v1"],
  shortNames: ["telemetry"],
  description: "Traces, metrics and access logs of workloads: of the mesh, of a namespace, or of selected ones.",
  schema: TelemetrySpec,
  columns: [],
  check: checkTelemetry,
  ineffective: ineffectiveInTelemetry,
};
