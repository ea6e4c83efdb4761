import {
  bool,
  duration,
  enumeration,
  field,
  int32,
  list,
  map,
  message,
  type Static,
  string,
  uint32,
} from "@xebec/model-schema";
import { ClientTls } from "../destination-rule/client-tls.ts";
import { TcpKeepalive } from "../destination-rule/connection-pool.ts";
import { ReadinessProbe } from "../shared/readiness-probe.ts";
import { port } from "../shared/shapes.ts";
import { GatewayTopology, ProxyHeaders } from "./proxy-http.ts";
import { ProxyTracing } from "./proxy-tracing.ts";

const FLAG = { noEffect: "a flag of the agent says it" };
const BOOTSTRAP = { noEffect: "the agent writes the bootstrap itself" };
const OBSOLETE = { noEffect: "today's proxies have no such setting" };

const remoteService = message("RemoteService", {
  address: field(string(), "`HOST:PORT`."),
  tlsSettings: field(ClientTls, "TLS to the service."),
  tcpKeepalive: field(TcpKeepalive, "Probes that find out whether the service is still there."),
});

/**
 * What holds for every proxy that does not say otherwise (docs/reference/pilot.md §3.13). Pilot serves `tracing`, `zipkinAddress`,
 * `envoyAccessLogService`, `gatewayTopology` and `proxyHeaders` to proxies that run; the rest a pod gets when it is injected.
 */
export const ProxyConfig = message("ProxyConfig", {
  tracing: field(ProxyTracing, "Tracing where no Telemetry and no default provider says something."),
  zipkinAddress: field(string(), "The old form of `tracing.zipkin.address`."),
  envoyAccessLogService: field(remoteService, "The service that `enableEnvoyAccessLogService` means."),
  gatewayTopology: field(GatewayTopology, "What stands before gateways."),
  proxyHeaders: field(ProxyHeaders, "Headers that proxies add."),
  meshId: field(string(), "The name of the mesh in traces."),
  configPath: field(string(), "Directory of the bootstrap.", FLAG),
  binaryPath: field(string(), "The Envoy program.", FLAG),
  serviceCluster: field(string(), "The name of the proxy's service."),
  tracingServiceName: field(
    enumeration(["APP_LABEL_AND_NAMESPACE", "CANONICAL_NAME_ONLY", "CANONICAL_NAME_AND_NAMESPACE"]),
    "How the name of the proxy's service is made.",
  ),
  drainDuration: field(duration(), "How long listeners drain."),
  terminationDrainDuration: field(duration(), "How long a proxy that ends waits for its connections."),
  parentShutdownDuration: field(duration(), "When the former process of a hot restart ends.", {
    noEffect: "proxies are not restarted hot",
  }),
  discoveryAddress: field(string(), "`HOST:PORT` of pilot."),
  discoveryRefreshDelay: field(duration(), "How often configuration was polled.", OBSOLETE),
  connectTimeout: field(duration(), "How long connecting to pilot may take.", OBSOLETE),
  statsdUdpAddress: field(string(), "`HOST:PORT` of a StatsD server."),
  envoyMetricsServiceAddress: field(string(), "The old form of `envoyMetricsService`."),
  envoyMetricsService: field(remoteService, "The service that gets Envoy's statistics."),
  proxyAdminPort: field(port(), "Port of Envoy's admin interface."),
  availabilityZone: field(string(), "The zone of the proxy.", OBSOLETE),
  controlPlaneAuthPolicy: field(
    enumeration({ NONE: 0, MUTUAL_TLS: 1, INHERIT: 1000 }),
    "How a proxy authenticates to pilot.",
    { noEffect: "the port of the discovery address says so: 15010 is plaintext, others are mutual TLS" },
  ),
  customConfigFile: field(string(), "File of a bootstrap.", BOOTSTRAP),
  proxyBootstrapTemplatePath: field(string(), "File of the bootstrap's template.", BOOTSTRAP),
  statNameLength: field(int32(), "Most characters of a statistic's name.", OBSOLETE),
  concurrency: field(int32({ minimum: 0 }), "Worker threads of Envoy."),
  interceptionMode: field(enumeration(["REDIRECT", "TPROXY", "NONE"]), "How inbound traffic is captured."),
  sds: field(
    message("SDS", {
      enabled: field(bool(), "Uses SDS."),
      k8sSaJwtPath: field(string(), "File of the token."),
    }),
    "Secrets by SDS.",
    { noEffect: "proxies always get their secrets by SDS" },
  ),
  proxyMetadata: field(map(string()), "Variables of the agent."),
  runtimeValues: field(map(string()), "Envoy's runtime."),
  statusPort: field(port(), "Port of the agent."),
  extraStatTags: field(list(string()), "Tags of Envoy's own statistics."),
  readinessProbe: field(
    ReadinessProbe,
    "How the agent of a workload that registers itself finds out whether it is healthy; pods have the probes of their containers.",
  ),
  proxyStatsMatcher: field(
    message("ProxyStatsMatcher", {
      inclusionPrefixes: field(list(string()), "By their beginning."),
      inclusionSuffixes: field(list(string()), "By their end."),
      inclusionRegexps: field(list(string()), "By a regular expression."),
    }),
    "Which of Envoy's own statistics there are, beside Istio's.",
  ),
  holdApplicationUntilProxyStarts: field(bool(), "Starts the app when the proxy is ready."),
  caCertificatesPem: field(list(string()), "Roots that are trusted besides citadel's, in PEM.", {
    noEffect: "roots come from citadel",
  }),
  image: field(
    message("ProxyImage", { imageType: field(string(), "The variant of the image.") }),
    "The proxy's image.",
  ),
  privateKeyProvider: field(
    message("PrivateKeyProvider", {
      cryptomb: field(
        message("CryptoMb", {
          pollDelay: field(duration(), "How long requests are gathered."),
          fallback: field(bool(), "Does without where the processor cannot."),
        }),
        "CryptoMB.",
      ),
      qat: field(
        message("QAT", {
          pollDelay: field(duration(), "How often answers are fetched."),
          fallback: field(bool(), "Does without where the processor cannot."),
        }),
        "QuickAssist.",
      ),
    }),
    "Hardware that signs.",
    { noEffect: "the stock Envoy has no private key provider" },
  ),
  fileFlushInterval: field(duration(), "How often access logs are written."),
  fileFlushMinSizeKb: field(uint32(), "How much is written at once."),
  statsCompression: field(bool(), "Compresses Envoy's statistics."),
});
export type ProxyConfig = Static<typeof ProxyConfig>;
