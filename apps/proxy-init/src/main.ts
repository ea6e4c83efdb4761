import { mainConfig } from "@xebec/core-config";
import { XebecError } from "@xebec/core-errors";
import { CaptureConfig, capture } from "@xebec/platform-capture";

const EXIT_FAILED = 1;
const EXIT_CONFIG = 2;

try {
  process.exitCode = await capture(mainConfig(CaptureConfig), (text) => process.stdout.write(text));
} catch (error) {
  const { code, message } = XebecError.from(error);
  process.stderr.write(`proxy-init: ${message}\n`);
  process.exitCode = code === "invalid_argument" ? EXIT_CONFIG : EXIT_FAILED;
}
