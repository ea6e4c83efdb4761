import {
  bool,
  describeAdapter,
  duration,
  durationMs,
  field,
  int64,
  message,
  type Static,
  string,
  type Violation,
} from "@xebec/mixer-sdk";
import { addressViolations } from "@xebec/mixer-sinks";

const Params = message("fluentd.Params", {
  address: field(string(), "The Fluentd or Fluent Bit server, HOST:PORT."),
  integerDuration: field(bool(), "Writes durations as whole milliseconds instead of a text such as `1.5s`."),
  instanceBufferSize: field(int64({ minimum: 0 }), "Most entries that wait in memory; 0 takes 1024."),
  maxBatchSizeBytes: field(int64({ minimum: 0 }), "A batch has at most so many bytes; 0 takes 8 MiB."),
  pushIntervalDuration: field(duration(), "How long entries gather before they are sent; 0s takes 1m."),
  pushTimeoutDuration: field(duration(), "How long the server may take for a batch; 0s takes 1m."),
  requireAck: field(
    bool(),
    "Asks the server to acknowledge each batch, and sends it again otherwise. Not in Istio; for servers that acknowledge nothing, false.",
  ),
});
export type FluentdParams = Static<typeof Params>;

/** Sends log entries to Fluentd (docs/reference/mixer.md §6.11). */
export const fluentd = describeAdapter({
  name: "fluentd",
  description: "sends log entries to Fluentd or Fluent Bit, by the forward protocol",
  templates: ["logentry"],
  config: Params,
  defaults: {
    ...{ address: "localhost:24224", integerDuration: false, instanceBufferSize: 1024, maxBatchSizeBytes: 8 << 20 },
    ...{ pushIntervalDuration: "60s", pushTimeoutDuration: "60s", requireAck: true },
  },
  validate({ address = "", pushIntervalDuration = "0s", pushTimeoutDuration = "0s" }, { limits }) {
    const violations: Violation[] = addressViolations(["address"], address, limits);
    for (const [key, value] of Object.entries({ pushIntervalDuration, pushTimeoutDuration }))
      if (durationMs(value) < 0) violations.push({ path: [key], message: "must not be negative" });
    return violations;
  },
});
