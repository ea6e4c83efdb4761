import { CitadelConfig, citadelComponents, isOnKubernetes } from "@xebec/citadel-server";
import { mainConfig } from "@xebec/core-config";
import { serviceMain } from "@xebec/core-lifecycle";
import { createMetrics } from "@xebec/core-metrics";
import { openBus } from "@xebec/platform-bus";
import { openKubeClient } from "@xebec/platform-kube";

const config = mainConfig(CitadelConfig);
await serviceMain("citadel", async () => {
  const metrics = createMetrics();
  const bus = await openBus(config, "citadel", metrics);
  const client = isOnKubernetes(config) ? await openKubeClient({ kubeconfig: config["kube-config"] }) : undefined;
  return [bus, ...citadelComponents({ config, bus, metrics, ...(client ? { client } : {}) })];
});
