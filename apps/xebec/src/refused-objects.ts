import { sleep } from "@xebec/core-async";
import { isXebecError } from "@xebec/core-errors";
import type { Condition } from "@xebec/model-resources";
import type { MeshStatus, PublishedConfig } from "@xebec/platform-local";
import type { SupervisorQuery } from "./control.ts";
import { diagnosticsOf, firstOf } from "./diagnostics.ts";
import { lateControllers } from "./late-controllers.ts";

const POLL_MS = 100;

/**
 * What of the configuration somebody refuses, once every service has said what it makes of it.
 * @param limitMs how long to wait for that, in milliseconds
 * @returns a clause; empty when nothing is refused, or when it is unknown
 */
export async function refusedObjects(mesh: MeshStatus, query: SupervisorQuery, limitMs: number): Promise<string> {
  const until = performance.now() + limitMs;
  try {
    for (;;) {
      const published = await query<PublishedConfig>("/published");
      if ((published.known && lateControllers(published).size === 0) || performance.now() > until) break;
      await sleep(POLL_MS);
    }
    return firstOf(diagnosticsOf(mesh, await query<Condition[]>("/conditions")).refused, "refused");
  } catch (error) {
    if (!isXebecError(error)) throw error;
    return "";
  }
}
