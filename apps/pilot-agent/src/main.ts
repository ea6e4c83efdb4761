import { resolve } from "node:path";
import { mainConfig } from "@xebec/core-config";
import { XebecError } from "@xebec/core-errors";
import { EXIT_CONFIG, EXIT_FAILED_START, runService } from "@xebec/core-lifecycle";
import { createMetrics } from "@xebec/core-metrics";
import {
  adminRequest,
  identityOptions,
  knownFlags,
  proxyAgent,
  readSettings,
  waitUntilReady,
} from "@xebec/platform-envoy";
import { createWorkloadIdentity } from "@xebec/platform-identity";
import { findProgram } from "@xebec/platform-process";
import { AgentConfig } from "./config.ts";

const USAGE = `pilot-agent proxy [sidecar|router] [flags]    runs the proxy; --help lists the flags
pilot-agent request GET|POST PATH             asks Envoy's admin interface
pilot-agent wait [SECONDS]                    returns once the proxy is ready
pilot-agent version
`;
/** The working copy, from src/ and from the bundle in dist/. */
const ROOT = resolve(import.meta.dirname, "../../..");
/** Beyond the drain: what ending Envoy and closing ports may take, in milliseconds. */
const CLOSE_MS = 6_000;
const [command, ...args] = process.argv.slice(2);
const host = process.env.ISTIO_META_INTERCEPTION_MODE === "NONE" ? (process.env.INSTANCE_IP ?? "") : "127.0.0.1";

async function proxy(): Promise<void> {
  const role = args[0]?.startsWith("-") === false ? args[0] : "sidecar";
  const config = mainConfig(AgentConfig, knownFlags(AgentConfig, args.slice(args[0] === role ? 1 : 0)));
  const settings = readSettings(role, config, process.env);
  const metrics = createMetrics();
  const identity = createWorkloadIdentity({ ...identityOptions(settings, config), metrics });
  const agent = proxyAgent({
    ...{ settings, identity, metrics },
    envoy: config.binaryPath || findProgram("envoy", { root: ROOT, env: process.env }),
    configPath: config.configPath,
    logLevel: config.proxyLogLevel,
    concurrency: config.concurrency,
    envoyLogFile: config.envoyLogFile,
    quit: () => process.kill(process.pid, "SIGTERM"),
  });
  const drainMs = settings.proxyConfig.terminationDrainMs + CLOSE_MS;
  await runService({ name: "pilot-agent", components: [identity, ...agent], drainMs });
}

try {
  if (command === "proxy") await proxy();
  else if (command === "request")
    process.stdout.write(
      await adminRequest(args[0] ?? "", args[1] ?? "", host, Number(process.env.PROXY_ADMIN_PORT ?? 15_000)),
    );
  else if (command === "wait") await waitUntilReady(host, 15_021, Number(args[0] ?? 60) * 1_000);
  else if (command === "version") process.stdout.write(`xebec pilot-agent ${process.env.XEBEC_VERSION ?? "dev"}\n`);
  else if (command === "--help" || command === "-h") process.stdout.write(USAGE);
  else {
    process.stderr.write(USAGE);
    process.exit(EXIT_CONFIG);
  }
} catch (error) {
  const { code, message } = XebecError.from(error);
  process.stderr.write(`pilot-agent: ${message}\n`);
  process.exit(code === "invalid_argument" ? EXIT_CONFIG : EXIT_FAILED_START);
}
