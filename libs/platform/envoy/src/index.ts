export { type AgentFlags, identityOptions, readSettings } from "./agent-settings.ts";
export { renderBootstrap } from "./bootstrap.ts";
export {
  type PodPorts,
  parseRequestCommand,
  parseWaitCommand,
  podPorts,
  type RequestCommand,
  type WaitCommand,
} from "./command-line.ts";
export { makeConfigFolder } from "./config-folder.ts";
export { drainTimes } from "./drain-times.ts";
export { createEnvoyAdmin, type EnvoyAdmin } from "./envoy-admin.ts";
export { adminRequest, waitUntilReady } from "./envoy-command.ts";
export { createEnvoyProcess, type EnvoyProcess, type EnvoyProcessOptions } from "./envoy-process.ts";
export { findEnvoy } from "./find-envoy.ts";
export { type HttpAnswer, type HttpCall, httpCall } from "./http-call.ts";
export { knownFlags } from "./known-flags.ts";
export { type EnvoyNode, envoyNode } from "./node.ts";
export { type ProxyAgentOptions, proxyAgent } from "./proxy-agent.ts";
export { type ProxyConfig, parseProxyConfig } from "./proxy-config.ts";
export { adminAddress, isShared, ownAddress, type ProxySettings } from "./proxy-settings.ts";
export { createSdsServer, type SdsOptions } from "./sds-server.ts";
export { createSecrets, type EncodedSecret, type Secrets } from "./secrets.ts";
