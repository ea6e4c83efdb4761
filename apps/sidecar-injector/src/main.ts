import { mainConfig } from "@xebec/core-config";
import { runService } from "@xebec/core-lifecycle";
import { createMetrics } from "@xebec/core-metrics";
import { InjectorConfig, injectorComponents } from "@xebec/injector-server";
import { fileTls, serviceIdentity } from "@xebec/platform-identity";

const config = mainConfig(InjectorConfig);
const metrics = createMetrics();
const tls =
  fileTls(config.tlsCertFile, config.tlsKeyFile) ??
  serviceIdentity(config, { serverName: "istio-sidecar-injector.istio-system.svc", metrics });

await runService({
  name: "sidecar-injector",
  components: [...(tls ? [tls] : []), ...injectorComponents({ config, metrics, ...(tls ? { tls } : {}) })],
});
