import { anything, bool, duration, enumeration, field, message, type Static, string } from "@xebec/model-schema";
import { NOT_YET } from "../shared/not-yet.ts";

/** Istio's further fields, of 1.1 and of today: they are accepted, so that a mesh's own file can be used as it is. */
const FURTHER = [
  ...["mixerCheckServer", "mixerReportServer", "sidecarToTelemetrySessionAffinity", "enableClientSidePolicyCheck"],
  ...["mixerAddress", "proxyListenPort", "proxyInboundListenPort", "proxyHttpPort", "tcpKeepalive", "ingressClass"],
  ...["ingressService", "ingressControllerMode", "ingressSelector", "authPolicy", "rdsRefreshDelay", "enableTracing"],
  ...["defaultConfig", "sdsUdsPath", "sdsRefreshDelay", "enableSdsTokenMount", "sdsUseK8sSaJwt", "configSources"],
  ...["defaultServiceExportTo", "defaultVirtualServiceExportTo", "defaultDestinationRuleExportTo"],
  ...["localityLbSetting", "dnsRefreshRate", "protocolDetectionTimeout", "enableEnvoyAccessLogService"],
  ...["disableEnvoyListenerLog", "inboundTrafficPolicy", "trustDomainAliases", "h2UpgradePolicy", "serviceSettings"],
  ...["inboundClusterStatName", "outboundClusterStatName", "serviceScopeConfigs", "enablePrometheusMerge"],
  ...["verifyCertificateAtClient", "ca", "caCertificates", "certificates", "extensionProviders", "defaultProviders"],
  ...["discoverySelectors", "pathNormalization", "defaultHttpRetryPolicy", "meshMTLS", "tlsDefaults"],
  ...["hboneIdleTimeout", "disableReportBatch", "reportBatchMaxEntries", "reportBatchMaxTime", "thriftConfig"],
  ...["fileFlushInterval", "fileFlushMinSize", "terminationDrainDuration", "disableMixerHttpReports"],
];

const further = Object.fromEntries(
  FURTHER.map((name) => [name, field(anything(), "Accepted and not read.", { noEffect: NOT_YET })]),
  // They are no part of the type: nothing reads them.
) as Record<never, never>;

const OutboundTrafficPolicy = message("MeshConfig.OutboundTrafficPolicy", {
  mode: field(
    enumeration(["REGISTRY_ONLY", "ALLOW_ANY"]),
    "Whether hosts that are not known to the mesh can be called.",
    { default: "ALLOW_ANY" },
  ),
});

/** The mesh configuration (docs/reference/pilot.md §3.13). */
export const MeshConfigSpec = message("MeshConfig", {
  rootNamespace: field(string(), "The namespace whose objects hold for the whole mesh.", { default: "istio-system" }),
  trustDomain: field(string(), "The trust domain of the mesh's identities.", { default: "cluster.local" }),
  accessLogFile: field(string(), "File of the proxies' access log, such as `/dev/stdout`.", {
    defaultText: "no access log",
  }),
  accessLogFormat: field(
    string(),
    "Format of a line, with Envoy's command operators; with encoding JSON an object whose values have them.",
    { defaultText: "Istio's format" },
  ),
  accessLogEncoding: field(enumeration(["TEXT", "JSON"]), "Encoding of the access log.", { default: "TEXT" }),
  connectTimeout: field(duration(), "How long a proxy may take to connect to an endpoint.", { default: "10s" }),
  enableAutoMtls: field(
    bool(),
    "Uses mutual TLS with endpoints that have a proxy, where no DestinationRule has `tls`.",
    {
      default: true,
    },
  ),
  outboundTrafficPolicy: field(OutboundTrafficPolicy, "Calls to hosts outside of the mesh."),
  policyCheckFailOpen: field(bool(), "Lets a request pass when mixer-policy does not answer.", { default: false }),
  disablePolicyChecks: field(bool(), "Switches Mixer's policy checks off.", { default: false }),
  disableReports: field(bool(), "Switches Mixer's reports off.", { default: false }),
  ...further,
});
export type MeshConfigSpec = Static<typeof MeshConfigSpec>;
