import { sleep } from "@xebec/core-async";
import { isXebecError } from "@xebec/core-errors";
import type { Condition } from "@xebec/model-resources";
import type { MeshStatus, PublishedConfig } from "@xebec/platform-local";
import { lateControllers } from "./late-controllers.ts";
import { firstOf, objectReport } from "./object-report.ts";

const POLL_MS = 100;

/** Asks the supervisor; throws XebecError unavailable when it does not answer. */
type Ask = <T>(path: "/published" | "/conditions") => Promise<T>;

/**
 * What of the configuration somebody refuses, once every service has said what it makes of it.
 * @param limitMs how long to wait for that, in milliseconds
 * @returns a clause; empty when nothing is refused, or when nobody can tell
 */
export async function refusedObjects(mesh: MeshStatus, ask: Ask, limitMs: number): Promise<string> {
  const until = performance.now() + limitMs;
  try {
    for (;;) {
      const published = await ask<PublishedConfig>("/published");
      if ((published.known && lateControllers(published).size === 0) || performance.now() > until) break;
      await sleep(POLL_MS);
    }
    return firstOf(objectReport(mesh, await ask<Condition[]>("/conditions")).refused, "refused");
  } catch (error) {
    if (!isXebecError(error)) throw error;
    return "";
  }
}
