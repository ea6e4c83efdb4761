import { XebecError } from "@xebec/core-errors";
import { type Component, missingOf } from "@xebec/core-lifecycle";
import type { EnvoyAdmin } from "./envoy-admin.ts";
import type { EnvoyProcess } from "./envoy-process.ts";

/** What a proxy needs to be ready. */
export interface ReadinessParts {
  readonly admin: Pick<EnvoyAdmin, "configured">;
  readonly envoy: Pick<EnvoyProcess, keyof Component | "look">;
  /** The proxy is not ready while one of these misses something: its identity, and its DNS proxy where there is one. */
  readonly others: readonly Component[];
}

/** Says what a proxy waits for before it is ready. Once configured is enough: later updates do not take it out of service. */
export function proxyReadiness({ admin, envoy, others }: ReadinessParts): () => Promise<readonly string[]> {
  let configured = false;
  return async () => {
    await envoy.look();
    const lines = missingOf([...others, envoy]);
    if (lines.length > 0) return lines;
    try {
      configured ||= await admin.configured();
    } catch (error) {
      return [XebecError.from(error).message];
    }
    return configured ? [] : ["Envoy: clusters and listeners have not come from pilot yet"];
  };
}
