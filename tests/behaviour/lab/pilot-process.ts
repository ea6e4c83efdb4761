// A pilot of its own process, as `xebec run pilot`, with a certificate from the command line's caller and quick replicas.
import { readFileSync } from "node:fs";
import { mainConfig } from "@xebec/core-config";
import { serviceMain } from "@xebec/core-lifecycle";
import { createMetrics } from "@xebec/core-metrics";
import { PilotConfig, pilotComponents } from "@xebec/pilot-xds-server";
import { openBus } from "@xebec/platform-bus";
import { createTlsSource, type TlsMaterial } from "@xebec/platform-grpc";

/** The file with the certificate, key and root. */
const { LAB_TLS = "" } = process.env;
const config = mainConfig(PilotConfig, process.argv.slice(2), () => {});
await serviceMain("pilot", async () => {
  const metrics = createMetrics();
  const bus = await openBus(config, "pilot", metrics);
  const tls = createTlsSource(JSON.parse(readFileSync(LAB_TLS, "utf8")) as TlsMaterial);
  return [
    bus,
    ...pilotComponents({ config, bus, tls, metrics, replicaTimes: { beatMs: 300, goneMs: 1_500, graceMs: 1_500 } }),
  ];
});
