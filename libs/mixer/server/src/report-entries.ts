import type { Snapshot } from "@xebec/mixer-runtime";
import type { EntryBag } from "./entry-bag.ts";
import { handOver } from "./long-report.ts";
import type { StandardMetrics } from "./standard-metrics.ts";

/**
 * Reports entries of access logs: a request once, a connection as Istio 1.1's proxy did, when it was opened and when it was closed.
 * Envoy says of it once, when it is over.
 * @param count how many entries there are
 * @param start has the bag take one of them; it is asked for each once, in order
 * @returns all errors; without a promise when all handlers answer so
 */
export function reportEntries<B extends EntryBag>(
  snapshot: Snapshot,
  bag: B,
  count: number,
  start: (bag: B, entry: number) => void,
  standard: StandardMetrics | undefined,
): readonly Error[] | Promise<readonly Error[]> {
  const batch = snapshot.report();
  let next = 0;
  let isOpened = false;
  const fill = (): boolean => {
    while (next < count && !batch.full) {
      if (isOpened) bag.turnTo("close");
      else {
        start(bag, next);
        standard?.record(bag);
      }
      isOpened = !isOpened && !bag.isHttp;
      if (isOpened) bag.turnTo("open");
      batch.add(bag);
      if (!isOpened) next++;
    }
    return next < count;
  };
  return fill() ? handOver(snapshot, batch, fill) : batch.flush();
}
