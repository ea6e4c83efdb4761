import type { Checker } from "../../rules/checker.ts";
import { isLabel } from "../../rules/names.ts";
import { checkLocalityLb } from "../shared/locality-lb-rules.ts";
import { checkRetries } from "../virtual-service/retry-rules.ts";
import { checkCommands, checkJsonFormat } from "./log-format.ts";
import { checkMeshNetworks } from "./networks.ts";
import { checkProviders } from "./provider-rules.ts";
import { checkProxyConfig } from "./proxy-config-rules.ts";
import type { MeshConfigSpec } from "./schema.ts";

const NAME = "mesh";

/**
 * The key of the one mesh configuration: whoever may write in another namespace must not change the whole mesh.
 * @param namespace that of the control plane
 */
export function meshConfigKey(namespace: string): string {
  return `mesh.xebec.io/MeshConfig/${namespace}/${NAME}`;
}

/** Only the object `mesh` of the control plane's namespace, or the config map `istio` there, is the mesh configuration. */
export function checkMeshIdentity(
  identity: { readonly namespace: string; readonly name: string },
  check: Checker,
  namespace: string,
): void {
  if (identity.namespace !== namespace)
    check.fail(
      ["metadata", "namespace"],
      `the mesh configuration is in the namespace ${namespace}, not in ${identity.namespace}; this one has no effect`,
    );
  else if (identity.name !== NAME)
    check.fail(["metadata", "name"], `the mesh configuration is named ${NAME}, not ${identity.name}`);
}

/** Semantic rules of the mesh configuration (docs/reference/pilot.md §3.13). */
export function checkMeshConfig(spec: MeshConfigSpec, check: Checker): void {
  check.duration(spec.connectTimeout, ["spec", "connectTimeout"]);
  checkLocalityLb(spec.localityLbSetting, ["spec", "localityLbSetting"], check, { hasOutlierDetection: true });
  check.duration(spec.protocolDetectionTimeout, ["spec", "protocolDetectionTimeout"], { zero: true });
  check.duration(spec.dnsRefreshRate, ["spec", "dnsRefreshRate"], { zero: true });
  for (const field of ["time", "interval"] as const)
    check.duration(spec.tcpKeepalive?.[field], ["spec", "tcpKeepalive", field]);
  for (const field of [
    "defaultServiceExportTo",
    "defaultVirtualServiceExportTo",
    "defaultDestinationRuleExportTo",
  ] as const)
    check.exportTo(spec[field], ["spec", field], { nobody: true });
  for (const [i, domain] of [spec.trustDomain, ...(spec.trustDomainAliases ?? [])].entries())
    if (domain && !domain.split(".").every(isLabel))
      check.fail(
        i === 0 ? ["spec", "trustDomain"] : ["spec", "trustDomainAliases", i - 1],
        `"${domain}" is not a trust domain`,
      );
  checkMeshNetworks(spec.meshNetworks, ["spec", "meshNetworks"], check);
  checkRetries(spec.defaultHttpRetryPolicy, ["spec", "defaultHttpRetryPolicy"], check);
  checkTls(spec, check);
  checkPorts(spec, check);
  checkStatNames(spec, check);
  checkAccessLog(spec, check);
  checkProxyConfig(spec.defaultConfig, ["spec", "defaultConfig"], check);
  checkProviders(spec.extensionProviders, check);
}

/** Ports that every proxy and its agent have, and that nothing moves. */
const FIXED_PORTS: ReadonlyMap<number, string> = new Map([
  [15_021, "the proxy's health port"],
  [15_053, "the agent's DNS"],
  [15_090, "the proxy's metrics"],
]);

/** Envoy refuses the second listener of a port, so each must have its own. */
function checkPorts(spec: MeshConfigSpec, check: Checker): void {
  const taken = new Map<number, string>([
    ...FIXED_PORTS,
    [spec.defaultConfig?.proxyAdminPort || 15_000, "defaultConfig.proxyAdminPort"],
    [spec.defaultConfig?.statusPort || 15_020, "defaultConfig.statusPort"],
  ]);
  for (const [field, usual] of [
    ["proxyListenPort", 15_001],
    ["proxyInboundListenPort", 15_006],
    ["proxyHttpPort", 0],
  ] as const) {
    const port = spec[field] || usual;
    const by = port > 0 ? taken.get(port) : undefined;
    // What is not said has its usual port: then the other one is to be changed.
    if (by) check.fail(["spec", field], `port ${port} is that of ${by}; each needs a port of its own`);
    else if (port > 0) taken.set(port, field);
  }
}

const CURVES = new Set(["P-224", "P-256", "P-384", "P-521", "X25519", "X25519MLKEM768"]);

function checkTls({ meshMTLS, tlsDefaults }: MeshConfigSpec, check: Checker): void {
  if (meshMTLS?.ecdhCurves?.length)
    check.fail(["spec", "meshMTLS", "ecdhCurves"], "cannot be chosen for the mesh; write tlsDefaults");
  if (tlsDefaults?.minProtocolVersion)
    check.fail(["spec", "tlsDefaults", "minProtocolVersion"], "cannot be chosen for all; write it at the Gateway");
  for (const [settings, name] of [
    [meshMTLS, "meshMTLS"],
    [tlsDefaults, "tlsDefaults"],
  ] as const)
    for (const field of ["cipherSuites", "ecdhCurves"] as const) {
      const seen = new Set<string>();
      for (const [i, each] of (settings?.[field] ?? []).entries()) {
        const path = ["spec", name, field, i];
        if (seen.has(each)) check.fail(path, `"${each}" is listed twice`);
        seen.add(each);
        // Envoy would refuse every listener and cluster with TLS.
        if (
          field === "ecdhCurves"
            ? !CURVES.has(each)
            : !/^(ECDHE-(ECDSA|RSA)-)?(AES(128|256)-(GCM-SHA(256|384)|SHA)|CHACHA20-POLY1305)$/.test(each)
        )
          check.fail(path, `Envoy has no ${field === "ecdhCurves" ? "curve" : "cipher suite"} "${each}"`);
      }
    }
}

const STAT_VARIABLE = /%(SERVICE|SERVICE_NAME|SERVICE_FQDN|SERVICE_PORT|SERVICE_PORT_NAME|TARGET_PORT|SUBSET_NAME)%/g;

function checkStatNames(spec: MeshConfigSpec, check: Checker): void {
  for (const field of ["inboundClusterStatName", "outboundClusterStatName"] as const) {
    const stray = (spec[field] ?? "").replace(STAT_VARIABLE, "").match(/%[^%]*%?/)?.[0];
    if (stray) check.fail(["spec", field], `"${stray}" is not a variable of a statistic's name`);
  }
}

const EXAMPLE = 'write for example {"code": "%RESPONSE_CODE%"}, or leave it out for the usual fields';

function checkAccessLog(spec: MeshConfigSpec, check: Checker): void {
  const path = ["spec", "accessLogFormat"];
  checkCommands(spec.accessLogFormat ?? "", path, check);
  if (spec.accessLogEncoding !== "JSON" || !spec.accessLogFormat) return;
  let format: unknown;
  try {
    format = JSON.parse(spec.accessLogFormat);
  } catch (error) {
    check.fail(path, `accessLogEncoding is JSON, and this is not JSON (${(error as Error).message}); ${EXAMPLE}`);
    return;
  }
  if (format === null || typeof format !== "object" || Array.isArray(format))
    check.fail(path, `accessLogEncoding is JSON, and this is not a JSON object; ${EXAMPLE}`);
  else checkJsonFormat(format, path, check);
}
