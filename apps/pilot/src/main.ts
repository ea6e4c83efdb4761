import { mainConfig } from "@xebec/core-config";
import { serviceMain } from "@xebec/core-lifecycle";
import { createMetrics } from "@xebec/core-metrics";
import { secretDirectory, standaloneSource } from "@xebec/galley-server";
import { checkPilotConfig, PilotConfig, pilotComponents, TODAYS_NAMES } from "@xebec/pilot-xds-server";
import { openBus } from "@xebec/platform-bus";
import { serviceIdentity } from "@xebec/platform-identity";
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

  return [
    bus,
    ...(identity ? [identity] : []),
    ...standaloneSource(config.configDir, bus),
    ...secretDirectory(config.configDir, bus),
    ...pilotComponents({ config, bus, mesh, metrics, ...(identity ? { tls: identity } : {}) }),
  ];
});
