import { didYouMean } from "@xebec/core-errors";
import type { MeshConfigSpec } from "@xebec/model-resources";
import type { Checker } from "./rules.ts";

/** Envoy reads messages of 100 levels at the most; each level of a format is three. */
const MAX_DEPTH = 16;

/** A command of Envoy's access log, with what it is about and a length; or a percent sign. */
const OPERATOR = /%[A-Z][A-Z0-9_]*(\([\s\S]*?\))?(:[0-9]+)?%|%%/g;

/** Where the one mesh configuration is: whoever may write in another namespace must not change the whole mesh. */
const PLACE = { namespace: "istio-system", name: "mesh" } as const;

/** What pilot reads. */
const SERVED = [
  ...["rootNamespace", "trustDomain", "accessLogFile", "accessLogFormat", "accessLogEncoding", "connectTimeout"],
  ...["enableAutoMtls", "outboundTrafficPolicy", "policyCheckFailOpen", "disablePolicyChecks", "disableReports"],
] as const satisfies readonly (keyof MeshConfigSpec)[];

// Istio's further fields, of 1.1 and of today (docs/reference/pilot.md §3.13). They are taken, so that a mesh's own
// file can be used as it is, and told as without effect by pilot's condition.
const ISTIO = [
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

/** Only the object `mesh` of the namespace istio-system, or the config map `istio` there, is the mesh configuration. */
export function checkMeshIdentity(
  identity: { readonly namespace: string; readonly name: string },
  check: Checker,
): void {
  const { namespace, name } = PLACE;
  if (identity.namespace !== namespace)
    check.fail(
      ["metadata", "namespace"],
      `the mesh configuration is in the namespace ${namespace}, not in ${identity.namespace}; this one has no effect`,
    );
  else if (identity.name !== name)
    check.fail(["metadata", "name"], `the mesh configuration is named ${name}, not ${identity.name}`);
}

/** Semantic rules of the mesh configuration (docs/reference/pilot.md §3.13). */
export function checkMeshConfig(spec: MeshConfigSpec, check: Checker): void {
  for (const field of Object.keys(spec))
    if (!KNOWN.has(camelCase(field))) check.fail(["spec", field], `unknown field${suggestion(field)}`);
  check.duration(spec.connectTimeout, ["spec", "connectTimeout"]);
  // Envoy would refuse every listener of the mesh.
  const rest = (spec.accessLogFormat ?? "").replace(OPERATOR, "");
  const stray = rest.indexOf("%");
  if (stray !== -1)
    check.fail(
      ["spec", "accessLogFormat"],
      `"${rest.slice(stray, stray + 20).trim()}" is no command; write %COMMAND%, %COMMAND(WHAT)% or %% for a percent sign`,
    );
  if (spec.accessLogEncoding !== "JSON" || !spec.accessLogFormat) return;
  const path = ["spec", "accessLogFormat"];
  let format: unknown;
  try {
    format = JSON.parse(spec.accessLogFormat);
  } catch (error) {
    check.fail(path, `accessLogEncoding is JSON, and this is no JSON (${(error as Error).message}); ${EXAMPLE}`);
    return;
  }
  if (format === null || typeof format !== "object" || Array.isArray(format))
    check.fail(path, `accessLogEncoding is JSON, and this is no JSON object; ${EXAMPLE}`);
  else if (isDeeper(format, MAX_DEPTH)) check.fail(path, `is nested deeper than ${MAX_DEPTH} levels`);
}

const KNOWN: ReadonlySet<string> = new Set([...SERVED, ...ISTIO]);

/** Protobuf's other spelling, as Istio takes it: `enable_tracing`. */
function camelCase(field: string): string {
  return field.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function suggestion(field: string): string {
  return didYouMean(field, KNOWN) || `; pilot reads ${SERVED.join(", ")}`;
}

const EXAMPLE = 'write for example {"code": "%RESPONSE_CODE%"}, or leave it out for the usual fields';

function isDeeper(value: unknown, levels: number): boolean {
  if (value === null || typeof value !== "object") return false;
  return levels === 0 || Object.values(value).some((each) => isDeeper(each, levels - 1));
}
