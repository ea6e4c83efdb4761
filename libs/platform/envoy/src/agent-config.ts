import { type ConfigOf, defineConfig, option } from "@xebec/core-config";

/** The agent's flags, with Istio's names (docs/reference/pilot.md §7.1). What the pod is comes from the environment. */
export const AgentConfig = defineConfig({
  service: "pilot-agent",
  summary: "proxy sidecar|router: runs Envoy with a configuration from pilot and a certificate from citadel",
  options: {
    domain: option.string("DNS suffix of the pod's services, NAMESPACE.svc.cluster.local", ""),
    "trust-domain": option.string("trust domain of SPIFFE identities", "cluster.local"),
    serviceCluster: option.string(
      "name of the service that the proxy belongs to; istio-proxy: computed",
      "istio-proxy",
    ),
    configPath: option.string("folder of the bootstrap, the pid file and the SDS socket", "./etc/istio/proxy"),
    binaryPath: option.string("the Envoy program; empty: XEBEC_ENVOY, PATH, or the working copy's own"),
    discoveryAddress: option.string("pilot, HOST:PORT, when PROXY_CONFIG names none"),
    proxyLogLevel: option.string("Envoy's log level, or level,component:level", "warning"),
    concurrency: option.number("worker threads of Envoy; 0: one per core", 2),
    envoyLogFile: option.string("file for Envoy's output; empty: where the agent's own goes"),
    log_output_level: option.string("log levels, scope:level[,scope:level]", "default:info"),
  },
  positional: ["sidecar|router"],
  ignored: {
    ...{ proxyComponentLogLevel: "value", meshConfig: "value", stsPort: "value", tokenManagerPlugin: "value" },
    ...{ templateFile: "value", outlierLogPath: "value" },
  },
  // As Istio's agent: templates of other versions start it.
  ignoresUnknown: true,
});

export type AgentFlags = ConfigOf<typeof AgentConfig>;
