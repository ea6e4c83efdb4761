import { Turns } from "@xebec/core-async";
import { decodeWorkloadRecord } from "@xebec/model-workloads";
import type { RecordSource } from "@xebec/pilot-registry";
import { type Bus, createRevisionReader, type RevisionReader } from "@xebec/platform-bus";
import { decoded } from "./decode.ts";
import { InOrder } from "./in-order.ts";

/** The bucket `workloads` of the bus. @param cacheDir where the last known good state is kept */
export function busRecords(bus: Bus, cacheDir?: string): RecordSource {
  const order = new InOrder();
  let reader: RevisionReader | undefined;
  return {
    async start(report, signal) {
      reader = createRevisionReader({
        bus,
        bucket: "workloads",
        name: "pilot workloads",
        ...(cacheDir ? { cacheFile: `${cacheDir}/workloads.cache` } : {}),
        apply: ({ puts, deletes }) =>
          order.add(async () => {
            const turns = new Turns();
            await report({ puts: await decoded(puts, decodeWorkloadRecord, turns), deletes: [...deletes] }, turns);
          }),
      });
      await reader.start(signal);
    },
    missing() {
      if (order.failed) return ["a change could not be taken over; the log says why"];
      return reader?.missing?.() ?? ["it has not started yet"];
    },
    async close() {
      await reader?.close?.();
    },
  };
}
