import { bool, duration, enumeration, field, list, message, required, type Static, string } from "@xebec/model-schema";
import { ClientTls } from "../destination-rule/client-tls.ts";
import { TcpKeepalive } from "../destination-rule/connection-pool.ts";
import { LocalityLbSetting } from "../shared/locality-lb-setting.ts";
import { Labels, port } from "../shared/shapes.ts";
import { HttpRetry } from "../virtual-service/http-route.ts";
import { DefaultProviders, ExtensionProvider } from "./extension-provider.ts";
import { MeshNetworks } from "./networks.ts";
import { OLDER_FIELDS } from "./older-fields.ts";
import { ProxyConfig } from "./proxy-config.ts";

const NO_INGRESS = { noEffect: "Ingress objects are not served; write a Gateway" };
const ONE_CLUSTER = { noEffect: "the mesh is one cluster: every endpoint is in it" };

const OutboundTrafficPolicy = message("MeshConfig.OutboundTrafficPolicy", {
  mode: field(
    enumeration(["REGISTRY_ONLY", "ALLOW_ANY"]),
    "Whether hosts that are not known to the mesh can be called.",
    { default: "ALLOW_ANY" },
  ),
});

const InboundTrafficPolicy = message("MeshConfig.InboundTrafficPolicy", {
  mode: field(
    enumeration(["PASSTHROUGH", "LOCALHOST"]),
    "Where the proxy sends what comes in: to the address that was called, or to 127.0.0.1.",
    { default: "PASSTHROUGH" },
  ),
});

const TlsConfig = message("MeshConfig.TLSConfig", {
  minProtocolVersion: field(enumeration(["TLS_AUTO", "TLSV1_2", "TLSV1_3"]), "The oldest version of TLS.", {
    default: "TLSV1_2",
  }),
  ecdhCurves: field(list(string()), "The curves of key exchange.", { defaultText: "Envoy's" }),
  cipherSuites: field(list(string()), "The cipher suites of TLS up to 1.2."),
});

const exportTo = (what: string) =>
  field(list(string({ minLength: 1 })), `Who sees ${what} without \`exportTo\`: \`*\`, \`.\`, \`~\`, or namespaces.`, {
    default: ["*"],
  });

const LabelSelector = message("LabelSelector", {
  matchLabels: field(Labels, "All of these labels."),
  matchExpressions: field(
    list(
      message("LabelSelectorRequirement", {
        key: required(string(), "A label."),
        operator: required(enumeration(["In", "NotIn", "Exists", "DoesNotExist"]), "What must hold of it."),
        values: field(list(string()), "Its values."),
      }),
    ),
    "All of these conditions.",
  ),
});

const CertificateData = message("MeshConfig.CertificateData", {
  pem: field(string(), "The certificate. One of `pem` and `spiffeBundleUrl` is required."),
  spiffeBundleUrl: field(string(), "Where a SPIFFE bundle is."),
  certSigners: field(list(string()), "Signers that use it."),
  trustDomains: field(list(string()), "Trust domains that it is for."),
});

const ServiceSettings = message("MeshConfig.ServiceSettings", {
  settings: field(
    message("MeshConfig.ServiceSettings.Settings", {
      clusterLocal: field(bool(), "Clients call endpoints of their own cluster alone."),
    }),
    "The settings.",
  ),
  hosts: field(list(string()), "The services."),
});

/** The mesh configuration of Istio 1.1 and of today (docs/reference/pilot.md §3.13). */
export const MeshConfigSpec = message("MeshConfig", {
  rootNamespace: field(string(), "The namespace whose objects hold for the whole mesh.", { default: "istio-system" }),
  trustDomain: field(string(), "The trust domain of the mesh's identities.", { default: "cluster.local" }),
  trustDomainAliases: field(
    list(string()),
    "Further trust domains: their identities are accepted, and meant by policies that name the mesh's own, and the other way round.",
  ),
  enableAutoMtls: field(
    bool(),
    "Uses mutual TLS with endpoints that have a proxy, where no DestinationRule has `tls`.",
    {
      default: true,
    },
  ),
  meshMTLS: field(TlsConfig, "TLS between proxies of the mesh."),
  tlsDefaults: field(TlsConfig, "TLS of gateways and of `tls` of a DestinationRule."),
  caCertificates: field(list(CertificateData), "Roots that are trusted besides citadel's.", {
    noEffect: "roots come from citadel",
  }),

  proxyListenPort: field(port(), "Port to which outbound traffic is redirected.", {
    default: 15001,
  }),
  proxyInboundListenPort: field(port(), "Port to which inbound traffic is redirected.", {
    default: 15006,
  }),
  proxyHttpPort: field(
    port(),
    "Port of the proxy's explicit HTTP proxy at 127.0.0.1, which clients call with absolute URLs or CONNECT.",
    {
      defaultText: "none",
    },
  ),
  connectTimeout: field(duration(), "How long a proxy may take to connect to an endpoint.", { default: "10s" }),
  protocolDetectionTimeout: field(
    duration(),
    "How long a proxy waits for the first bytes, which tell the protocol of a port that declares none; `0s` is without limit.",
    { default: "0s" },
  ),
  tcpKeepalive: field(
    TcpKeepalive,
    "Probes of connections to endpoints, where no DestinationRule has `tcpKeepalive`.",
    {},
  ),
  outboundTrafficPolicy: field(OutboundTrafficPolicy, "Calls to hosts outside of the mesh."),
  inboundTrafficPolicy: field(InboundTrafficPolicy, "Where the proxy finds the workload."),
  h2UpgradePolicy: field(
    enumeration(["DO_NOT_UPGRADE", "UPGRADE"]),
    "Whether proxies speak HTTP/2 with endpoints of HTTP/1.1, where no DestinationRule says.",
    { default: "DO_NOT_UPGRADE" },
  ),
  defaultHttpRetryPolicy: field(HttpRetry, "Retries of routes whose VirtualService has no `retries`."),
  localityLbSetting: field(LocalityLbSetting, "Locality load balancing, where no DestinationRule says."),
  meshNetworks: field(
    MeshNetworks,
    "The networks of the mesh: what the config map `istio` has under the key `meshNetworks`, and pilot's `--networksConfig` in a file.",
  ),
  dnsRefreshRate: field(duration(), "How often names of endpoints are looked up, where DNS does not say.", {
    default: "60s",
  }),
  defaultServiceExportTo: exportTo("services and ServiceEntries"),
  defaultVirtualServiceExportTo: exportTo("VirtualServices"),
  defaultDestinationRuleExportTo: exportTo("DestinationRules"),
  pathNormalization: field(
    message("MeshConfig.ProxyPathNormalization", {
      normalization: field(
        enumeration(["DEFAULT", "NONE", "BASE", "MERGE_SLASHES", "DECODE_AND_MERGE_SLASHES"]),
        "`NONE` leaves paths as they are; `BASE` resolves `.` and `..`, decodes what needs no encoding, and makes `/` of `\\`; `MERGE_SLASHES` also makes one slash of several; `DECODE_AND_MERGE_SLASHES` first decodes `%2F` and `%5C`. `DEFAULT` is `BASE`.",
        { default: "DEFAULT" },
      ),
    }),
    "How paths of requests are normalized before routes and policies match them.",
  ),
  inboundClusterStatName: field(
    string(),
    "Name of inbound clusters in statistics, with `%SERVICE%`, `%SERVICE_NAME%`, `%SERVICE_FQDN%`, `%SERVICE_PORT%`, `%SERVICE_PORT_NAME%` and `%TARGET_PORT%`.",
    { defaultText: "the cluster's name" },
  ),
  outboundClusterStatName: field(
    string(),
    "Name of outbound clusters in statistics, with `%SERVICE%`, `%SERVICE_NAME%`, `%SERVICE_FQDN%`, `%SERVICE_PORT%`, `%SERVICE_PORT_NAME%` and `%SUBSET_NAME%`.",
    { defaultText: "the cluster's name" },
  ),

  accessLogFile: field(string(), "File of the proxies' access log, such as `/dev/stdout`.", {
    defaultText: "no access log",
  }),
  accessLogFormat: field(
    string(),
    "Format of a line, with Envoy's command operators; with encoding JSON an object whose values have them.",
    { defaultText: "Istio's format" },
  ),
  accessLogEncoding: field(enumeration(["TEXT", "JSON"]), "Encoding of the access log.", { default: "TEXT" }),
  enableEnvoyAccessLogService: field(
    bool(),
    "Sends the access log to `defaultConfig.envoyAccessLogService`, where no Telemetry says something.",
    { default: false },
  ),
  disableEnvoyListenerLog: field(bool(), "Logs no connections that no filter chain takes.", { default: false }),
  enableTracing: field(bool(), "Traces requests, where no Telemetry says something and `defaultConfig` has a tracer.", {
    default: true,
  }),
  defaultConfig: field(ProxyConfig, "Settings of every proxy."),
  extensionProviders: field(list(ExtensionProvider), "Providers of telemetry and of decisions, by name."),
  defaultProviders: field(DefaultProviders, "Providers where an object names none."),

  policyCheckFailOpen: field(bool(), "Lets a request pass when mixer-policy does not answer.", { default: false }),
  disablePolicyChecks: field(bool(), "Switches Mixer's policy checks off.", { default: false }),
  disableReports: field(bool(), "Switches Mixer's reports off.", { default: false }),
  durableReports: field(
    bool(),
    "Has proxies send Mixer's reports again until mixer-telemetry has acknowledged them, by Envoy's OpenTelemetry access logger.",
    { default: false },
  ),

  ingressClass: field(string(), "The class of Ingress objects.", NO_INGRESS),
  ingressService: field(string(), "The service of the ingress gateway.", NO_INGRESS),
  ingressControllerMode: field(
    enumeration(["UNSPECIFIED", "OFF", "DEFAULT", "STRICT"]),
    "Which Ingress objects are served.",
    NO_INGRESS,
  ),
  ingressSelector: field(string(), "The gateway of Ingress objects.", NO_INGRESS),
  configSources: field(
    list(
      message("ConfigSource", {
        address: required(string(), "`HOST:PORT` or `mcp://HOST:PORT` of an MCP server."),
        tlsSettings: field(ClientTls, "TLS to the source."),
        subscribedResources: field(list(enumeration(["SERVICE_REGISTRY"])), "What is read."),
      }),
    ),
    "MCP servers that pilot takes the configuration from; read from its file `--meshConfig`.",
    { noEffect: "only pilot's file --meshConfig has it; galley's flags say where configuration comes from" },
  ),
  serviceSettings: field(list(ServiceSettings), "Settings of services.", ONE_CLUSTER),
  serviceScopeConfigs: field(
    list(
      message("MeshConfig.ServiceScopeConfigs", {
        namespaceSelector: field(LabelSelector, "Services of these namespaces."),
        servicesSelector: field(LabelSelector, "These services."),
        scope: field(enumeration(["LOCAL", "GLOBAL"]), "Who sees them: their own cluster, or all."),
      }),
    ),
    "Which services other clusters see.",
    ONE_CLUSTER,
  ),
  discoverySelectors: field(
    list(LabelSelector),
    "Namespaces of an API server that are read: those with labels that one of the selectors matches; all when empty.",
  ),
  enablePrometheusMerge: field(bool(), "The agent serves metrics of Envoy and of the app on one page.", {
    default: true,
    noEffect: "the agent always does, for pods with the annotations prometheus.io/scrape, port and path",
  }),
  verifyCertificateAtClient: field(bool(), "Verifies servers' certificates.", {
    default: true,
    noEffect: "servers' certificates are always verified unless a DestinationRule says insecureSkipVerify",
  }),
  ca: field(
    message("MeshConfig.CA", {
      address: required(string(), "`HOST:PORT`."),
      tlsSettings: field(ClientTls, "TLS to the authority."),
      requestTimeout: field(duration(), "How long a request may take.", { default: "10s" }),
      istiodSide: field(bool(), "Pilot calls it, and not the agent.", { default: true }),
    }),
    "An authority that signs certificates of workloads.",
    { noEffect: "citadel signs certificates" },
  ),
  certificates: field(
    list(
      message("Certificate", {
        secretName: field(string(), "The Secret."),
        dnsNames: field(list(string()), "The names."),
      }),
    ),
    "Certificates for DNS names.",
    { noEffect: "citadel signs certificates of workloads alone; use cert-manager" },
  ),
  hboneIdleTimeout: field(duration(), "How long a tunnel of HBONE may be idle.", {
    noEffect: "there are no waypoints",
  }),
  ...OLDER_FIELDS,
});
export type MeshConfigSpec = Static<typeof MeshConfigSpec>;
