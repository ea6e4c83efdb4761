import {
  CitadelConfig,
  citadelComponents,
  createAuthority,
  ensureBusSecrets,
  isOnKubernetes,
  OWNER,
} from "@xebec/citadel-server";
import { mainConfig } from "@xebec/core-config";
import { serviceMain } from "@xebec/core-lifecycle";
import { createMetrics } from "@xebec/core-metrics";
import { createNatsBus, openBus } from "@xebec/platform-bus";
import { type KubeClient, openKubeClient } from "@xebec/platform-kube";

const config = mainConfig(CitadelConfig);
await serviceMain("citadel", async () => {
  const metrics = createMetrics();
  const client = isOnKubernetes(config) ? await openKubeClient({ kubeconfig: config["kube-config"] }) : undefined;
  const source = createAuthority(config, client);
  const { bus, busControl } =
    client && config["bus-secrets"]
      ? await busOfSecrets(client)
      : { bus: await openBus(config, "citadel", metrics), busControl: undefined };
  return [
    bus,
    ...citadelComponents({
      config,
      bus,
      metrics,
      source,
      ...(client ? { client } : {}),
      ...(busControl ? { busControl } : {}),
    }),
  ];

  /** The bus, with keys that citadel makes itself: nobody can sign in before. Its servers are verified with citadel's own roots. */
  async function busOfSecrets(client: KubeClient) {
    const { busURL: servers, busReplicas, "citadel-storage-namespace": namespace } = config;
    const signal = new AbortController().signal;
    const secrets = { client, namespace, owner: OWNER, servers: busReplicas, signal };
    const { controlSeed, ...keys } = await ensureBusSecrets(secrets);
    const tls = config["bus-tls"] ? { ca: () => source.authority().roots } : undefined;
    const bus = createNatsBus({
      ...{ servers, name: "citadel", metrics, provision: true, replicas: busReplicas, tls },
      ...keys,
    });
    return { bus, busControl: tls && { servers, seed: controlSeed, tls } };
  }
});
