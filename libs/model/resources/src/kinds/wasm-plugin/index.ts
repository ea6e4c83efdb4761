import type { Kind } from "../../kind.ts";
import { ineffectiveTargets } from "../shared/policy-target.ts";
import { checkWasmPlugin } from "./rules.ts";
import { WasmPluginSpec } from "./schema.ts";

export const wasmPlugin: Kind = {
  group: "extensions.istio.io",
  kind: "WasmPlugin",
  plural: "wasmplugins",
  versions: ["v1alpha1"],
  shortNames: [],
  description: "A filter of the user's own, as a WebAssembly module, for the traffic of workloads and gateways.",
  schema: WasmPluginSpec,
  columns: [],
  check: checkWasmPlugin,
  ineffective: ineffectiveTargets,
};
