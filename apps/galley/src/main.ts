import { mainConfig } from "@xebec/core-config";
import { serviceMain } from "@xebec/core-lifecycle";
import { createMetrics } from "@xebec/core-metrics";
import {
  checkGalleyConfig,
  GalleyConfig,
  galleyComponents,
  managesWebhook,
  needsKubernetes,
} from "@xebec/galley-server";
import { openBus } from "@xebec/platform-bus";
import { fileTls, serviceIdentity } from "@xebec/platform-identity";
import { openKubeClient } from "@xebec/platform-kube";

const config = mainConfig(GalleyConfig, process.argv.slice(2), checkGalleyConfig);
await serviceMain("galley", async () => {
  const metrics = createMetrics();
  const bus = await openBus(config, "galley", metrics);
  const identity = serviceIdentity(config, {
    serverName: `${config["service-name"]}.${config["deployment-namespace"]}.svc`,
    metrics,
  });
  const files = fileTls(config.tlsCertFile, config.tlsKeyFile, config.caCertFile);
  const tls = files ?? identity;
  const client = needsKubernetes(config) ? await openKubeClient(config) : undefined;
  const webhookClient = managesWebhook(config, process.env) ? (client ?? (await openKubeClient(config))) : undefined;

  return [
    bus,
    ...(files ? [files] : identity ? [identity] : []),
    ...galleyComponents({
      ...{ config, bus, metrics },
      ...(tls ? { tls } : {}),
      ...(client ? { client } : {}),
      ...(webhookClient ? { webhookClient } : {}),
    }),
  ];
});
