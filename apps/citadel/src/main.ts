import { CitadelConfig, citadelComponents } from "@xebec/citadel-server";
import { mainConfig } from "@xebec/core-config";
import { XebecError } from "@xebec/core-errors";
import { EXIT_CONFIG, runService } from "@xebec/core-lifecycle";
import { createMetrics } from "@xebec/core-metrics";
import { openBus } from "@xebec/platform-bus";

const config = mainConfig(CitadelConfig);
try {
  const metrics = createMetrics();
  const bus = await openBus(config, "citadel", metrics);
  await runService({ name: "citadel", components: [bus, ...citadelComponents({ config, bus, metrics })] });
} catch (error) {
  process.stderr.write(`citadel: ${XebecError.from(error).message}\n`);
  process.exit(EXIT_CONFIG);
}
