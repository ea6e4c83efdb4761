import { mainConfig, orExit } from "@xebec/core-config";
import { runService } from "@xebec/core-lifecycle";
import { createMetrics } from "@xebec/core-metrics";
import { ownSource } from "@xebec/galley-server";
import { PilotConfig, pilotComponents } from "@xebec/pilot-xds-server";
import { openBus } from "@xebec/platform-bus";
import { serviceIdentity } from "@xebec/platform-identity";

const config = mainConfig(PilotConfig);
const metrics = createMetrics();
const bus = await orExit("pilot", () => openBus(config, "pilot", metrics));
const identity = serviceIdentity(config, { serverName: "istio-pilot.istio-system.svc", metrics });

await runService({
  name: "pilot",
  components: [
    bus,
    ...(identity ? [identity] : []),
    ...ownSource(config.configDir, bus),
    ...pilotComponents({ config, bus, metrics, ...(identity ? { tls: identity } : {}) }),
  ],
});
