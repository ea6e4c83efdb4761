export { identityOptions, readSettings } from "./agent-settings.ts";
export { parseRequestCommand, parseWaitCommand, podPorts } from "./command-line.ts";
export { makeConfigFolder } from "./config-folder.ts";
export { drainTimes } from "./drain-times.ts";
export { adminRequest, waitUntilReady } from "./envoy-command.ts";
export { isServing } from "./grpc-probe.ts";
export { httpsStatus } from "./https-probe.ts";
export { knownFlags } from "./known-flags.ts";
export { proxyAgent } from "./proxy-agent.ts";
