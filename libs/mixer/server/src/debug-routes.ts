import type { MixerRuntime } from "@xebec/mixer-runtime";
import type { monitoring } from "@xebec/platform-http";

type App = Parameters<NonNullable<Parameters<typeof monitoring>[0]["routes"]>>[0];

/** Adds pages about the runtime to the monitoring port: `/debug/handlers` has how each handler does, as JSON. */
export function debugRoutes(app: App, runtime: Pick<MixerRuntime, "handlers">): void {
  app.get("/debug/handlers", () => ({ handlers: runtime.handlers }));
}
