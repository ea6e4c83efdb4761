import { areServers, checked, isAddress, isAddressOrEmpty, isDirectory, mainConfig } from "@xebec/core-config";
import { serviceMain } from "@xebec/core-lifecycle";
import { createMetrics } from "@xebec/core-metrics";
import { ownSource } from "@xebec/galley-server";
import { PilotConfig, pilotComponents } from "@xebec/pilot-xds-server";
import { openBus } from "@xebec/platform-bus";
import { serviceIdentity } from "@xebec/platform-identity";

const config = mainConfig(
  checked(PilotConfig, {
    configDir: isDirectory,
    busURL: areServers,
    grpcAddr: isAddressOrEmpty,
    secureGrpcAddr: isAddressOrEmpty,
    httpAddr: isAddress,
    monitoringAddr: isAddress,
    caAddr: isAddress,
  }),
);
await serviceMain("pilot", async () => {
  const metrics = createMetrics();
  const bus = await openBus(config, "pilot", metrics);
  const identity = serviceIdentity(config, { serverName: "istio-pilot.istio-system.svc", metrics });

  return [
    bus,
    ...(identity ? [identity] : []),
    ...ownSource(config.configDir, bus),
    ...pilotComponents({ config, bus, metrics, ...(identity ? { tls: identity } : {}) }),
  ];
});
