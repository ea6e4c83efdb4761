import { mainConfig } from "@xebec/core-config";
import { serviceMain } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import { createMetrics } from "@xebec/core-metrics";
import { ownSource } from "@xebec/galley-server";
import { checkPilotConfig, istioArguments, PilotConfig, pilotComponents } from "@xebec/pilot-xds-server";
import { openBus } from "@xebec/platform-bus";
import { serviceIdentity } from "@xebec/platform-identity";
import { readMeshFile } from "./mesh-file.ts";

const { argv, ignored } = istioArguments(process.argv.slice(2));
let mesh: ReturnType<typeof readMeshFile> | undefined;
const config = mainConfig(PilotConfig, argv, (each) => {
  checkPilotConfig(each);
  if (each.meshConfig) mesh = readMeshFile(each.meshConfig);
});
if (ignored.length > 0) logger("config").warn({ flags: ignored }, "flags of Istio's that have no effect here");
await serviceMain("pilot", async () => {
  const metrics = createMetrics();
  const bus = await openBus(config, "pilot", metrics);
  const identity = serviceIdentity(config, { serverName: "istio-pilot.istio-system.svc", metrics });

  return [
    bus,
    ...(identity ? [identity] : []),
    ...ownSource(config.configDir, bus),
    ...pilotComponents({ config, bus, mesh, metrics, ...(identity ? { tls: identity } : {}) }),
  ];
});
