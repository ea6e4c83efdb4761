import { mainConfig } from "@xebec/core-config";
import { serviceMain } from "@xebec/core-lifecycle";
import { createMetrics } from "@xebec/core-metrics";
import { secretDirectory, standaloneKubernetes, standaloneSource } from "@xebec/galley-server";
import { checkPilotConfig, PilotConfig, pilotComponents, TODAYS_NAMES } from "@xebec/pilot-xds-server";
import { openBus } from "@xebec/platform-bus";
import { serviceIdentity } from "@xebec/platform-identity";
import { openKubeClient } from "@xebec/platform-kube";
import { readMeshFiles } from "./mesh-file.ts";

let mesh: ReturnType<typeof readMeshFiles>;
const config = mainConfig(PilotConfig, process.argv.slice(2), (each) => {
  checkPilotConfig(each);
  mesh = readMeshFiles(each);
});
await serviceMain("pilot", async () => {
  const metrics = createMetrics();
  const bus = await openBus(config, "pilot", metrics);
  const identity = serviceIdentity(config, {
    serverName: "istio-pilot.istio-system.svc",
    otherNames: TODAYS_NAMES,
    metrics,
  });

  const client = config.registries.includes("Kubernetes") ? await openKubeClient(config) : undefined;
  const { configDir, domain, namespace } = config;

  return [
    bus,
    ...(identity ? [identity] : []),
    ...(client
      ? standaloneKubernetes({ client, bus, configDir, domain, namespace })
      : [...standaloneSource(configDir, bus), ...secretDirectory(configDir, bus)]),
    ...pilotComponents({ config, bus, mesh, metrics, ...(identity ? { tls: identity } : {}) }),
  ];
});
