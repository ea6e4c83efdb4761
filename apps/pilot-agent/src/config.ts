import { defineConfig, option } from "@xebec/core-config";

const ACCEPTED = "accepted as Istio's agent does, without effect";

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
    proxyComponentLogLevel: option.string(ACCEPTED),
    meshConfig: option.string(ACCEPTED),
    stsPort: option.string(ACCEPTED),
    tokenManagerPlugin: option.string(ACCEPTED),
    templateFile: option.string(ACCEPTED),
    outlierLogPath: option.string(ACCEPTED),
    log_output_level: option.string("log levels, scope:level[,scope:level]", "default:info"),
  },
});
