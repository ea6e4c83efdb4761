import { resolve } from "node:path";
import { mainConfig } from "@xebec/core-config";
import { XebecError } from "@xebec/core-errors";
import { EXIT_CONFIG, EXIT_FAILED_START, runService } from "@xebec/core-lifecycle";
import { escapeOutput } from "@xebec/core-log";
import { createMetrics } from "@xebec/core-metrics";
import {
  AgentConfig,
  adminRequest,
  drainTimes,
  GrpcBootstrapConfig,
  hasCertificate,
  hasEnvoy,
  identityOptions,
  makeConfigFolder,
  parseRequestCommand,
  parseWaitCommand,
  podPorts,
  proxyAgent,
  proxylessAgent,
  readSettings,
  waitUntilReady,
  withStatsdAddress,
  writeGrpcBootstrap,
} from "@xebec/platform-envoy";
import { createWorkloadIdentity, noIdentity } from "@xebec/platform-identity";
import { findProgram } from "@xebec/platform-process";

const USAGE = `pilot-agent proxy [sidecar|router] [flags]    runs the proxy; --help lists the flags
pilot-agent request GET|POST PATH             asks Envoy's admin interface, or --debug-port PORT
pilot-agent wait [--timeoutSeconds SECONDS]   returns once the proxy is ready
pilot-agent istio-iptables [flags]            takes the pod's traffic to the proxy; --help lists the flags
pilot-agent grpc-bootstrap [--output FILE]    writes the bootstrap of gRPC's own clients, and ends
pilot-agent version
`;
/** The working copy, from src/ and from the bundle in dist/. */
const ROOT = resolve(import.meta.dirname, "../../..");
/** Beyond the drain: what asking and ending an Envoy that does not answer, and closing ports, may take, in milliseconds. */
const CLOSE_MS = 10_000;
const [command, ...args] = process.argv.slice(2);

async function proxy(): Promise<void> {
  let role = "sidecar";
  const config = mainConfig(AgentConfig, args, (_, [given = role]) => {
    role = given;
  });
  const settings = await withStatsdAddress(readSettings(role, config, process.env));
  await makeConfigFolder(config.configPath);
  const metrics = createMetrics();
  const identity = hasCertificate(settings)
    ? createWorkloadIdentity({ ...identityOptions(settings, config), metrics })
    : noIdentity();
  const common = {
    settings,
    identity,
    metrics,
    configPath: config.configPath,
    quit: () => process.kill(process.pid, "SIGTERM"),
  };
  if (!hasEnvoy(settings))
    return runService({ name: "pilot-agent", components: [identity, ...proxylessAgent(common)] });
  const agent = await proxyAgent({
    ...common,
    envoy: config.binaryPath || findProgram("envoy", { root: ROOT, env: process.env }),
    logLevel: config.proxyLogLevel,
    concurrency: config.concurrency,
    envoyLogFile: config.envoyLogFile,
  });
  const drainMs = drainTimes(settings).drainMs + CLOSE_MS;
  await runService({ name: "pilot-agent", components: [identity, ...agent], drainMs });
}

for (const stream of [process.stdout, process.stderr]) escapeOutput(stream);
try {
  if (command === "proxy") await proxy();
  else if (command === "request") {
    const ports = podPorts(process.env);
    process.stdout.write(await adminRequest(ports.host, parseRequestCommand(args, ports)));
  } else if (command === "wait") await waitUntilReady(parseWaitCommand(args, podPorts(process.env)));
  else if (command === "grpc-bootstrap") {
    const config = mainConfig(GrpcBootstrapConfig, args);
    const flags = {
      domain: config.domain,
      serviceCluster: "istio-proxy",
      configPath: ".",
      discoveryAddress: undefined,
    };
    await writeGrpcBootstrap(
      readSettings("sidecar", { ...flags, "trust-domain": "cluster.local" }, process.env),
      config,
    );
  } else if (command === "istio-iptables") {
    const { CaptureConfig, capture } = await import("@xebec/platform-capture");
    process.exitCode = await capture(mainConfig(CaptureConfig, args), (text) => process.stdout.write(text));
  } else if (command === "version") process.stdout.write(`xebec pilot-agent ${process.env.XEBEC_VERSION ?? "dev"}\n`);
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
