import { CitadelConfig, citadelComponents } from "@xebec/citadel-server";
import { mainConfig } from "@xebec/core-config";
import { runService } from "@xebec/core-lifecycle";
import { createMetrics } from "@xebec/core-metrics";
import { openBus } from "@xebec/platform-bus";

const config = mainConfig(CitadelConfig);
const metrics = createMetrics();
const bus = await openBus(config, "citadel", metrics);

await runService({ name: "citadel", components: [bus, ...citadelComponents({ config, bus, metrics })] });
