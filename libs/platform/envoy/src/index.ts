export { identityOptions, readSettings } from "./agent-settings.ts";
export { adminRequest, waitUntilReady } from "./envoy-command.ts";
export { knownFlags } from "./known-flags.ts";
export { proxyAgent } from "./proxy-agent.ts";
