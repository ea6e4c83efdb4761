import { readFileSync, statSync } from "node:fs";
import type { Metrics } from "@xebec/core-metrics";
import type { Adapter, HandlerContext, HealthState } from "@xebec/mixer-sdk";
import { confinementError } from "@xebec/platform-files";

const MAX_SECRET_BYTES = 1 << 20;

/**
 * What the service gives each handler: the metrics that its adapter declares, its health as a metric, and the secrets that operators open.
 * @param secretDirs directories below which handlers may read secrets
 */
export function handlerServices(
  metrics: Metrics,
  secretDirs: readonly string[],
): (adapter: Pick<Adapter, "name" | "metrics">, handler: string) => Partial<HandlerContext> {
  const state = metrics.gauge("mixer_handler_health", "How a handler is: 0 ready, 1 degraded, 2 failing.", [
    "adapter",
    "handler",
  ]);
  return (adapter, handler) => {
    const labels = { adapter: adapter.name, handler };
    const declared = (name: string, type: "counter" | "gauge"): string => {
      const spec = adapter.metrics?.[name];
      if (spec?.type !== type) throw new TypeError(`the adapter ${adapter.name} declares no ${type} ${name}`);
      return spec.help;
    };
    return {
      metrics: {
        add(name, by = 1) {
          const help = declared(name, "counter");
          metrics.counter(`mixer_adapter_${name}`, help, ["adapter", "handler"]).inc(labels, by);
        },
        set(name, value) {
          const help = declared(name, "gauge");
          metrics.gauge(`mixer_adapter_${name}`, help, ["adapter", "handler"]).set(labels, value);
        },
      },
      health: (health) => state.set(labels, LEVELS[health]),
      secrets: { read: (path) => readSecret(path, secretDirs) },
    };
  };
}

const LEVELS: Readonly<Record<HealthState, number>> = { ready: 0, degraded: 1, failing: 2 };

function readSecret(path: string, directories: readonly string[]): string {
  const why = confinementError(path, directories);
  if (why !== undefined)
    throw new Error(`${path}: ${why}; the flag --handlerSecretDirs names directories with secrets`);
  if (statSync(path).size > MAX_SECRET_BYTES) throw new Error(`${path} is too large for a secret`);
  return readFileSync(path, "utf8").replace(/\r?\n$/, "");
}
