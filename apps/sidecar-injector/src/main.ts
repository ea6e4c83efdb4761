import { mainConfig } from "@xebec/core-config";
import { serviceMain } from "@xebec/core-lifecycle";
import { createMetrics } from "@xebec/core-metrics";
import { InjectorConfig, injectorComponents } from "@xebec/injector-server";
import { openBus } from "@xebec/platform-bus";
import { fileTls, serviceIdentity } from "@xebec/platform-identity";

const config = mainConfig(InjectorConfig);
await serviceMain("sidecar-injector", async () => {
  const metrics = createMetrics();
  const tls =
    fileTls(config.tlsCertFile, config.tlsKeyFile) ??
    serviceIdentity(config, { serverName: "istio-sidecar-injector.istio-system.svc", metrics });

  const bus = config.busURL.length > 0 ? await openBus(config, "sidecar-injector", metrics) : undefined;
  return [
    ...(bus ? [bus] : []),
    ...(tls ? [tls] : []),
    ...injectorComponents({ config, metrics, ...(bus ? { bus } : {}), ...(tls ? { tls } : {}) }),
  ];
});
