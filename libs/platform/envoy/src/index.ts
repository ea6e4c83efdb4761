export { parseRequestCommand, parseWaitCommand, podPorts } from "./agent-commands.ts";
export { AgentConfig, type AgentFlags } from "./agent-config.ts";
export type { AgentEnvironment } from "./agent-environment.ts";
export { hasCertificate, identityOptions, readSettings } from "./agent-settings.ts";
export { makeConfigFolder } from "./config-folder.ts";
export { drainTimes } from "./drain-times.ts";
export { adminRequest, waitUntilReady } from "./envoy-command.ts";
export { isServing } from "./grpc-probe.ts";
export { httpsStatus } from "./https-probe.ts";
export { proxyAgent } from "./proxy-agent.ts";
export {
  GrpcBootstrapConfig,
  type GrpcBootstrapFlags,
  hasEnvoy,
  proxylessAgent,
  writeGrpcBootstrap,
} from "./proxyless/index.ts";
export { createSecrets, type EncodedSecret, type Secrets } from "./secrets.ts";
export { withStatsdAddress } from "./statsd-address.ts";
