// A replica for the test of crashes: a handler of the adapter `http` over the bus. It says of each record that it is accepted, and its counters.

import { createAdapter } from "@xebec/mixer-adapters-http";
import { handlerContext } from "@xebec/mixer-sdk";
import { startHandler } from "@xebec/mixer-sdk/testkit";
import { createDeliver } from "@xebec/mixer-sinks/delivery";
import { LOOPBACK, sampleMetric } from "@xebec/mixer-sinks/testkit";
import { createNatsBus } from "@xebec/platform-bus";

const [servers = "", url = ""] = process.argv.slice(2);
const bus = createNatsBus({ servers: [servers], name: "mixer-telemetry" });
await bus.start(new AbortController().signal);
const totals: Record<string, number> = {};
const deliver = createDeliver({
  queue: bus.work,
  meter: () => ({
    count: (what, records) => {
      totals[what] = (totals[what] ?? 0) + records;
    },
  }),
});
const adapter = createAdapter({ limits: LOOPBACK, deliver });
const handler = await startHandler(adapter, { url, flushInterval: "0.1s" }, handlerContext({ handler: "sink.ns" }));

process.on("message", (ids: readonly string[]) => {
  const instances = ids.map((id) => sampleMetric(1, "INT64", { name: id }));
  Promise.resolve(handler.report?.(instances as never, "metric")).then(
    () => process.send?.({ accepted: ids, totals }),
    () => process.send?.({ refused: ids, totals }),
  );
});
process.on("disconnect", () => process.exit());
setInterval(() => process.send?.({ totals }), 200);
process.send?.({ totals });
