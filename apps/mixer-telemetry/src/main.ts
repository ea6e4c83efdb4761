import { mainConfig } from "@xebec/core-config";
import { serviceMain } from "@xebec/core-lifecycle";
import { createMetrics } from "@xebec/core-metrics";
import { ownSource } from "@xebec/galley-server";
import { createPrometheus, TEXT_FORMAT } from "@xebec/mixer-adapters-prometheus";
import { createStdio } from "@xebec/mixer-adapters-stdio";
import { checkMixerConfig, configStoreOf, TelemetryConfig, telemetryComponents } from "@xebec/mixer-server";
import { openBus } from "@xebec/platform-bus";
import { serviceIdentity } from "@xebec/platform-identity";

const config = mainConfig(TelemetryConfig, process.argv.slice(2), checkMixerConfig);
await serviceMain("mixer-telemetry", async () => {
  const metrics = createMetrics();
  const store = configStoreOf(config);
  const bus = await openBus({ ...config, busURL: store.busURL }, "mixer-telemetry", metrics);
  const identity = serviceIdentity(config, { serverName: "istio-telemetry.istio-system.svc", metrics });
  const prometheus = createPrometheus();

  return [
    bus,
    ...(identity ? [identity] : []),
    ...ownSource(store.dir, bus),
    ...telemetryComponents(
      {
        config,
        bus,
        metrics,
        adapters: [prometheus.adapter, createStdio(config.handlerDirs)],
        ...(identity ? { tls: identity } : {}),
      },
      { contentType: TEXT_FORMAT, text: () => prometheus.text() },
    ),
  ];
});
