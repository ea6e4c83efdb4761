import { hostname } from "node:os";
import { mainConfig } from "@xebec/core-config";
import { serviceMain } from "@xebec/core-lifecycle";
import { createMetrics } from "@xebec/core-metrics";
import { mixerStore } from "@xebec/galley-server";
import { checkMixerConfig, configStoreOf, TelemetryConfig, telemetryComponents } from "@xebec/mixer-server";
import { openBus } from "@xebec/platform-bus";
import { serviceIdentity } from "@xebec/platform-identity";
import { openKubeClient } from "@xebec/platform-kube";

const config = mainConfig(TelemetryConfig, process.argv.slice(2), checkMixerConfig);
await serviceMain("mixer-telemetry", async () => {
  const metrics = createMetrics();
  const store = configStoreOf(config);
  const bus = await openBus({ ...config, busURL: store.busURL }, "mixer-telemetry", metrics);
  const identity = serviceIdentity(config, { serverName: `istio-telemetry.${config.namespace}.svc`, metrics });
  const client = store.kubernetes ? await openKubeClient(store.kubernetes) : undefined;

  return [
    bus,
    ...(identity ? [identity] : []),
    ...mixerStore({
      store: { dir: store.dir, mcp: store.mcp, client },
      ...{ bus, identity, files: config, domain: config.domain, namespace: config.namespace },
      nodeId: `mixer-telemetry ${hostname()}`,
    }),
    ...(await telemetryComponents({ config, bus, metrics, ...(identity ? { tls: identity } : {}) })),
  ];
});
