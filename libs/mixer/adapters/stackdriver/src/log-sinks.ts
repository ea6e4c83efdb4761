import { SinkAnswerError } from "@xebec/mixer-sinks";
import type { Google } from "./google.ts";
import type { LogInfo } from "./log-entries.ts";

/** Makes the sinks that export log entries, and changes those that exist as far as the handler says. @throws Error with what is refused */
export async function ensureSinks(
  google: Google,
  infos: Readonly<Record<string, LogInfo>>,
  signal: AbortSignal,
): Promise<void> {
  const project = await google.project();
  for (const { sinkInfo } of Object.values(infos)) {
    if (!sinkInfo) continue;
    const { id = "", destination, filter, UniqueWriterIdentity, UpdateDestination, UpdateFilter } = sinkInfo;
    const unique = UniqueWriterIdentity ? "uniqueWriterIdentity=true" : "";
    const sink = { name: id, destination, ...(filter ? { filter } : {}) };
    try {
      await google.call("logging", `v2/projects/${project}/sinks${unique && `?${unique}`}`, sink, signal);
    } catch (error) {
      if (!(error instanceof SinkAnswerError) || error.status !== 409) throw error;
      const mask = [
        ...(UpdateDestination ? ["destination"] : []),
        ...(UpdateFilter ? ["filter"] : []),
        ...(sinkInfo.UpdateIncludeChildren ? ["includeChildren"] : []),
      ];
      if (mask.length === 0) continue;
      const query = [`updateMask=${mask.join(",")}`, unique].filter(Boolean).join("&");
      const body = { ...sink, ...(sinkInfo.UpdateIncludeChildren ? { includeChildren: true } : {}) };
      await google.call(
        "logging",
        `v2/projects/${project}/sinks/${encodeURIComponent(id)}?${query}`,
        body,
        signal,
        "PUT",
      );
    }
  }
}
