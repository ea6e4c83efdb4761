import { readFileSync } from "node:fs";
import { logger } from "@xebec/core-log";
import type { Metrics } from "@xebec/core-metrics";
import type { AdapterInfo } from "@xebec/mixer-sdk";
import type { ServedContext } from "./adapter-calls.ts";

/**
 * What handlers get in a process of the adapter's own.
 * @param health gets the handlers that are failing, with the reason
 */
export function servedContext(adapter: AdapterInfo, metrics: Metrics, health: Map<string, string>): ServedContext {
  const log = logger(adapter.name);
  return ({ handler }) => {
    const labels = { adapter: adapter.name, handler };
    const help = (name: string, type: "counter" | "gauge"): string => {
      const spec = adapter.metrics?.[name];
      if (spec?.type !== type) throw new TypeError(`the adapter ${adapter.name} declares no ${type} ${name}`);
      return spec.help;
    };
    return {
      log,
      metrics: {
        add(name, by = 1) {
          metrics.counter(`mixer_adapter_${name}`, help(name, "counter"), ["adapter", "handler"]).inc(labels, by);
        },
        set(name, value) {
          metrics.gauge(`mixer_adapter_${name}`, help(name, "gauge"), ["adapter", "handler"]).set(labels, value);
        },
      },
      health(state, why = "is failing") {
        if (state === "failing") health.set(handler, why);
        else health.delete(handler);
      },
      // Whoever runs the process says what it may read.
      secrets: { read: (path) => readFileSync(path, "utf8").replace(/\r?\n$/, "") },
    };
  };
}
