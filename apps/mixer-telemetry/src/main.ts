import { mainConfig } from "@xebec/core-config";
import { serviceMain } from "@xebec/core-lifecycle";
import { createMetrics } from "@xebec/core-metrics";
import { standaloneSource } from "@xebec/galley-server";
import { checkMixerConfig, configStoreOf, TelemetryConfig, telemetryComponents } from "@xebec/mixer-server";
import { openBus } from "@xebec/platform-bus";
import { serviceIdentity } from "@xebec/platform-identity";

const config = mainConfig(TelemetryConfig, process.argv.slice(2), checkMixerConfig);
await serviceMain("mixer-telemetry", async () => {
  const metrics = createMetrics();
  const store = configStoreOf(config);
  const bus = await openBus({ ...config, busURL: store.busURL }, "mixer-telemetry", metrics);
  const identity = serviceIdentity(config, { serverName: "istio-telemetry.istio-system.svc", metrics });

  return [
    bus,
    ...(identity ? [identity] : []),
    ...standaloneSource(store.dir, bus),
    ...(await telemetryComponents({ config, bus, metrics, ...(identity ? { tls: identity } : {}) })),
  ];
});
