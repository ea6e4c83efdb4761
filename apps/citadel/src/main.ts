import { CitadelConfig, citadelComponents, ensureBusSecrets, isOnKubernetes } from "@xebec/citadel-server";
import { mainConfig } from "@xebec/core-config";
import { serviceMain } from "@xebec/core-lifecycle";
import { createMetrics } from "@xebec/core-metrics";
import { createNatsBus, openBus } from "@xebec/platform-bus";
import { type KubeClient, openKubeClient } from "@xebec/platform-kube";

/** The Deployment of the chart, which everything goes with that citadel makes for the bus. */
const OWNER = "istio-citadel";

const config = mainConfig(CitadelConfig);
await serviceMain("citadel", async () => {
  const metrics = createMetrics();
  const client = isOnKubernetes(config) ? await openKubeClient({ kubeconfig: config["kube-config"] }) : undefined;
  const bus = client && config["bus-secrets"] ? await busOfSecrets(client) : await openBus(config, "citadel", metrics);
  return [bus, ...citadelComponents({ config, bus, metrics, ...(client ? { client } : {}) })];

  /** The bus, with keys that citadel makes itself: nobody can sign in before. */
  async function busOfSecrets(client: KubeClient) {
    const { busURL, busReplicas, "citadel-storage-namespace": namespace } = config;
    const signal = new AbortController().signal;
    const keys = await ensureBusSecrets({ client, namespace, owner: OWNER, servers: busReplicas, signal });
    return createNatsBus({
      servers: busURL,
      name: "citadel",
      metrics,
      provision: true,
      replicas: busReplicas,
      ...keys,
    });
  }
});
