import type { MixerRuntime } from "@xebec/mixer-runtime";
import { type monitoring, requireOwnMachine } from "@xebec/platform-http";
import { attributesIn, explainCheck } from "./explain-check.ts";
import type { WorkloadIndex } from "./workload-index.ts";

type App = Parameters<NonNullable<Parameters<typeof monitoring>[0]["routes"]>>[0];

/**
 * Adds pages about the runtime to the monitoring port: `/debug/handlers` has how each handler does, as JSON; POST `/debug/check` says what each
 * rule makes of a request, to callers on the same machine only, because it shows the configuration.
 */
export function debugRoutes(app: App, runtime: MixerRuntime, index: WorkloadIndex): void {
  app.get("/debug/handlers", () => ({ handlers: runtime.handlers }));
  app.post("/debug/check", (request) => {
    requireOwnMachine(request.raw, "explanations of checks are");
    return explainCheck(runtime, index, attributesIn(request.body));
  });
}
