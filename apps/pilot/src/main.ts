import { hostname } from "node:os";
import { mainConfig } from "@xebec/core-config";
import { type Component, serviceMain } from "@xebec/core-lifecycle";
import { createMetrics } from "@xebec/core-metrics";
import {
  type McpServerAddress,
  secretDirectory,
  standaloneKubernetes,
  standaloneMcp,
  standaloneSource,
} from "@xebec/galley-server";
import { asksKubernetes, checkPilotConfig, PilotConfig, pilotComponents, todaysNames } from "@xebec/pilot-xds-server";
import { openBus } from "@xebec/platform-bus";
import { serviceIdentity } from "@xebec/platform-identity";
import { clientReviews, openKubeClient } from "@xebec/platform-kube";
import { mcpServersOf } from "./mcp-servers.ts";
import { readMeshFiles } from "./mesh-file.ts";

let mesh: ReturnType<typeof readMeshFiles>;
let mcpServers: readonly McpServerAddress[] = [];
const config = mainConfig(PilotConfig, process.argv.slice(2), (each) => {
  checkPilotConfig(each);
  mesh = readMeshFiles(each);
  mcpServers = mcpServersOf(each.mcpServerAddrs, mesh);
});
await serviceMain("pilot", async () => {
  const metrics = createMetrics();
  const bus = await openBus(config, "pilot", metrics);
  const identity = serviceIdentity(config, {
    serverName: `istio-pilot.${config.namespace}.svc`,
    otherNames: todaysNames(config.namespace),
    metrics,
  });

  const isRegistry = config.registries.includes("Kubernetes");
  const asks = asksKubernetes(config);
  const client = isRegistry || asks ? await openKubeClient(config) : undefined;
  const reviews = client && asks ? clientReviews(client, config["trust-domain"]) : {};

  return [
    bus,
    ...(identity ? [identity] : []),
    ...configuration(bus, isRegistry ? client : undefined, identity),
    ...pilotComponents({ ...{ config, bus, mesh, metrics }, ...reviews, ...(identity ? { tls: identity } : {}) }),
  ];
});

/** What publishes the configuration on pilot's own bus, without galley's. */
function configuration(
  bus: Awaited<ReturnType<typeof openBus>>,
  client: Awaited<ReturnType<typeof openKubeClient>> | undefined,
  identity: ReturnType<typeof serviceIdentity>,
): Component[] {
  const { configDir, domain, namespace, mcpMaxMsgSize: maxMessageBytes } = config;
  if (mcpServers.length === 0)
    return client
      ? standaloneKubernetes({ client, bus, configDir, domain, namespace })
      : [...standaloneSource(configDir, bus), ...secretDirectory(configDir, bus)];
  return [
    ...standaloneMcp({
      ...{ bus, servers: mcpServers, files: config, identity, configDir, maxMessageBytes },
      nodeId: `pilot ${hostname()}`,
      ...(client ? { kubernetes: { client, domain, namespace } } : {}),
    }),
    ...(client ? [] : secretDirectory(configDir, bus)),
  ];
}
