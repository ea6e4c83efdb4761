import type { MixerRuntime } from "@xebec/mixer-runtime";
import { type monitoring, requireOwnMachine } from "@xebec/platform-http";
import { attributesIn, explainCheck } from "./explain-check.ts";
import { record, recordingLimits } from "./record.ts";
import type { WorkloadIndex } from "./workload-index.ts";

type App = Parameters<NonNullable<Parameters<typeof monitoring>[0]["routes"]>>[0];

/**
 * Adds pages about the runtime to the monitoring port: `/debug/handlers` has how each handler does, as JSON; POST `/debug/check` says what each
 * rule makes of a request, and `/debug/record` the attributes of requests while they come. Both are for callers on the same machine only: they show the configuration,
 * and what users send.
 */
export function debugRoutes(app: App, runtime: MixerRuntime, index: WorkloadIndex): void {
  app.get("/debug/handlers", () => ({ handlers: runtime.handlers }));
  app.post("/debug/check", (request) => {
    requireOwnMachine(request.raw, "explanations of checks are");
    return explainCheck(runtime, index, attributesIn(request.body));
  });
  app.post("/debug/record", async (request, reply) => {
    requireOwnMachine(request.raw, "attributes of requests are");
    const lines = await record(runtime, recordingLimits(request.body));
    const { socket } = request.raw;
    if (socket.destroyed) lines.destroy();
    else socket.once("close", () => lines.destroy());
    return reply.type("application/x-ndjson").send(lines);
  });
}
