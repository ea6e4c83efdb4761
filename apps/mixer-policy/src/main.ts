import { hostname } from "node:os";
import { mainConfig } from "@xebec/core-config";
import { serviceMain } from "@xebec/core-lifecycle";
import { createMetrics } from "@xebec/core-metrics";
import { mixerStore } from "@xebec/galley-server";
import { checkMixerConfig, configStoreOf, PolicyConfig, policyComponents } from "@xebec/mixer-server";
import { openBus } from "@xebec/platform-bus";
import { serviceIdentity } from "@xebec/platform-identity";
import { openKubeClient } from "@xebec/platform-kube";

const config = mainConfig(PolicyConfig, process.argv.slice(2), checkMixerConfig);
await serviceMain("mixer-policy", async () => {
  const metrics = createMetrics();
  const store = configStoreOf(config);
  const bus = await openBus({ ...config, busURL: store.busURL }, "mixer-policy", metrics);
  const identity = serviceIdentity(config, { serverName: `istio-policy.${config.namespace}.svc`, metrics });
  const client = store.kubernetes ? await openKubeClient(store.kubernetes) : undefined;

  return [
    bus,
    ...(identity ? [identity] : []),
    ...mixerStore({
      store: { dir: store.dir, mcp: store.mcp, client },
      ...{ bus, identity, files: config, domain: config.domain, namespace: config.namespace },
      nodeId: `mixer-policy ${hostname()}`,
    }),
    ...(await policyComponents({ config, bus, metrics, ...(identity ? { tls: identity } : {}) })),
  ];
});
