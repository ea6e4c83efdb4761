import { mainConfig } from "@xebec/core-config";
import { serviceMain } from "@xebec/core-lifecycle";
import { createMetrics } from "@xebec/core-metrics";
import { hasCluster, InjectorConfig, injectorComponents } from "@xebec/injector-server";
import { openBus } from "@xebec/platform-bus";
import { fileTls, serviceIdentity } from "@xebec/platform-identity";
import { openKubeClient } from "@xebec/platform-kube";

const config = mainConfig(InjectorConfig);
await serviceMain("sidecar-injector", async () => {
  const metrics = createMetrics();
  const tls =
    fileTls(config.tlsCertFile, config.tlsKeyFile, config.caCertFile) ??
    serviceIdentity(config, { serverName: `${config.serviceName}.${config.namespace}.svc`, metrics });

  const bus = config.busURL.length > 0 ? await openBus(config, "sidecar-injector", metrics) : undefined;
  const client = hasCluster(config, process.env) ? await openKubeClient(config) : undefined;
  return [
    ...(bus ? [bus] : []),
    ...(tls ? [tls] : []),
    ...injectorComponents({
      ...{ config, metrics },
      ...(bus ? { bus } : {}),
      ...(tls ? { tls } : {}),
      ...(client ? { client } : {}),
    }),
  ];
});
