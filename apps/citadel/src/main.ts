import { CitadelConfig, citadelComponents } from "@xebec/citadel-server";
import { mainConfig } from "@xebec/core-config";
import { serviceMain } from "@xebec/core-lifecycle";
import { createMetrics } from "@xebec/core-metrics";
import { openBus } from "@xebec/platform-bus";

const config = mainConfig(CitadelConfig);
await serviceMain("citadel", async () => {
  const metrics = createMetrics();
  const bus = await openBus(config, "citadel", metrics);
  return [bus, ...citadelComponents({ config, bus, metrics })];
});
