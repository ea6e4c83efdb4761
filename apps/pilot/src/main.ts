import { mainConfig, orExit } from "@xebec/core-config";
import { runService } from "@xebec/core-lifecycle";
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
const metrics = createMetrics();
const bus = await orExit("pilot", () => openBus(config, "pilot", metrics));
const identity = serviceIdentity(config, { serverName: "istio-pilot.istio-system.svc", metrics });

await runService({
  name: "pilot",
  components: [
    bus,
    ...(identity ? [identity] : []),
    ...ownSource(config.configDir, bus),
    ...pilotComponents({ config, bus, mesh, metrics, ...(identity ? { tls: identity } : {}) }),
  ],
});
