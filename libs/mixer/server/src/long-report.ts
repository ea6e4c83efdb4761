import { setImmediate as turn } from "node:timers/promises";
import { XebecError } from "@xebec/core-errors";
import type { ReportBatch, Snapshot } from "@xebec/mixer-runtime";

/** Most elements of one report: Istio's proxies send 100, Envoy what fits into 16 KiB. */
export const MOST_ELEMENTS = 10_000;

/** @param what the sort of message. @throws XebecError resource_exhausted when there are too many elements */
export function checkLength(what: string, elements: number): void {
  if (elements > MOST_ELEMENTS)
    throw new XebecError(
      "resource_exhausted",
      `${what} may have ${MOST_ELEMENTS} elements, not ${elements}; send several`,
    );
}

/**
 * Hands over a report that is too long for one batch, piece by piece. Between the pieces others have their turn, and what
 * waits in memory is one piece.
 * @param fill fills the batch up to its mark; says whether there is more
 * @returns all errors
 */
export async function handOver(snapshot: Snapshot, batch: ReportBatch, fill: () => boolean): Promise<readonly Error[]> {
  snapshot.retain();
  try {
    for (let more = true; more; more = fill()) {
      await batch.flush(false);
      await turn();
    }
    return await batch.flush();
  } finally {
    void snapshot.release();
  }
}
