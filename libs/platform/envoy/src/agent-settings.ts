import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import { parseDuration } from "@xebec/core-duration";
import { XebecError } from "@xebec/core-errors";
import { spiffeId, trustDomainOf } from "@xebec/model-names";
import type { KeyType } from "@xebec/model-pki";
import type { WorkloadIdentityOptions } from "@xebec/platform-identity";
import type { AgentFlags } from "./agent-config.ts";
import type { AgentEnvironment } from "./agent-environment.ts";
import { type ProxyConfig, parseProxyConfig } from "./proxy-config.ts";
import { portOf } from "./proxy-config-values.ts";
import type { ProxySettings } from "./proxy-settings.ts";

/** The flags that say what the proxy is. */
export type SettingsFlags = Pick<
  AgentFlags,
  "domain" | "serviceCluster" | "configPath" | "discoveryAddress" | "trust-domain"
>;

const DAY_MS = 86_400_000;
const POD_INFO = "./etc/istio/pod";
const TOKEN = "./var/run/secrets/tokens/istio-token";
const ROOT = "./var/run/secrets/istio/root-cert.pem";

/**
 * Reads what the injector and Kubernetes say of the pod: environment variables and the files of the downward API, relative to
 * the working directory (docs/reference/pilot.md §7.2). `proxyMetadata` of PROXY_CONFIG stands for variables that the
 * pod does not set.
 * @param role `sidecar` or `router` (also 1.1's `ingress`)
 * @throws XebecError invalid_argument that names the variable
 */
export function readSettings(role: string, flags: SettingsFlags, variables: AgentEnvironment): ProxySettings {
  const proxyConfig = withFlags(parseProxyConfig(variables.PROXY_CONFIG ?? ""), flags);
  const env = { ...proxyConfig.proxyMetadata, ...variables };
  const namespace = env.POD_NAMESPACE || "default";
  const ip = env.INSTANCE_IP ?? "";
  if (!isIP(ip)) throw new XebecError("invalid_argument", `INSTANCE_IP: "${ip}" is not the pod's IP address`);
  if (role !== "sidecar" && role !== "router" && role !== "ingress")
    throw new XebecError("invalid_argument", `"${role}" is not a kind of proxy; use sidecar or router`);
  return {
    type: role === "sidecar" ? "sidecar" : "router",
    ip,
    podName: env.POD_NAME || env.HOSTNAME || "proxy",
    namespace,
    domain: flags.domain || `${namespace}.svc.cluster.local`,
    serviceAccount: env.SERVICE_ACCOUNT || "default",
    trustDomain: trustDomain(env.TRUST_DOMAIN || flags["trust-domain"]),
    systemNamespace: env.ISTIO_NAMESPACE || "istio-system",
    serviceCluster: flags.serviceCluster,
    proxyConfig,
    env,
    labels: readFields(join(POD_INFO, "labels")),
    annotations: readFields(join(POD_INFO, "annotations")),
    sdsSocket: join(flags.configPath, "SDS"),
    envoyStatusPort: portOf(env.ENVOY_STATUS_PORT || 15_021, "ENVOY_STATUS_PORT"),
    envoyPrometheusPort: portOf(env.ENVOY_PROMETHEUS_PORT || 15_090, "ENVOY_PROMETHEUS_PORT"),
    pilotNames: (env.ISTIOD_SAN ?? "").split(",").filter(Boolean),
  };
}

/**
 * Where the pod's certificate comes from (docs/reference/platform.md §2.3).
 * @throws XebecError invalid_argument for SECRET_TTL, or a key that is not made here
 */
export function identityOptions(
  settings: ProxySettings,
  { configPath }: Pick<AgentFlags, "configPath">,
): Omit<WorkloadIdentityOptions, "metrics"> {
  const { env, systemNamespace } = settings;
  const ttlMs = env.SECRET_TTL ? parseDuration(env.SECRET_TTL) : DAY_MS;
  if (!ttlMs || ttlMs < 0)
    throw new XebecError("invalid_argument", `SECRET_TTL: "${env.SECRET_TTL}" is not a duration`);
  return {
    spiffeId: ownIdentity(settings),
    caAddress: env.CA_ADDR || `istio-citadel.${systemNamespace}.svc:8060`,
    caRootFile: env.CA_ROOT_CA || (env.PROV_CERT ? join(env.PROV_CERT, "root-cert.pem") : ROOT),
    tokenFile: TOKEN,
    keyType: keyTypeOf(env),
    ttlMs,
    storeDir: join(configPath, "identity"),
  };
}

/**
 * Whether the pod has a certificate. PILOT_CERT_PROVIDER `none` says that nobody signs one; every other value stands for citadel.
 * @throws XebecError invalid_argument when the pod would need one to reach pilot
 */
export function hasCertificate({ env, proxyConfig }: ProxySettings): boolean {
  if (env.PILOT_CERT_PROVIDER !== "none") return true;
  const { discoveryAddress } = proxyConfig;
  if (!discoveryAddress.endsWith(":15010"))
    throw new XebecError(
      "invalid_argument",
      `PILOT_CERT_PROVIDER: none leaves the pod without a certificate, which ${discoveryAddress} asks for; use pilot's plaintext port 15010 as discoveryAddress`,
    );
  return false;
}

function trustDomain(text: string): string {
  try {
    return trustDomainOf(text);
  } catch (error) {
    throw new XebecError("invalid_argument", `TRUST_DOMAIN, --trust-domain: ${XebecError.from(error).message}`);
  }
}

/** @returns undefined when the pod does not know what it is */
function ownIdentity({ env, trustDomain, namespace, serviceAccount }: ProxySettings): string | undefined {
  return env.SERVICE_ACCOUNT && env.POD_NAMESPACE ? spiffeId({ trustDomain, namespace, serviceAccount }) : undefined;
}

function keyTypeOf({
  WORKLOAD_RSA_KEY_SIZE: bits,
  ECC_SIGNATURE_ALGORITHM: ecc,
  ECC_CURVE: curve,
}: AgentEnvironment): KeyType {
  if (bits && !ecc) {
    if (bits === "2048" || bits === "4096") return `RSA-${bits}`;
    throw new XebecError("invalid_argument", `WORKLOAD_RSA_KEY_SIZE: ${bits} bits are not offered; use 2048 or 4096`);
  }
  if (curve === "P384") return "P-384";
  if (!curve || curve === "P256") return "P-256";
  throw new XebecError("invalid_argument", `ECC_CURVE: "${curve}" is not offered; use P256 or P384`);
}

function withFlags(config: ProxyConfig, { discoveryAddress }: SettingsFlags): ProxyConfig {
  return discoveryAddress && config.raw.discoveryAddress === undefined ? { ...config, discoveryAddress } : config;
}

/** Reads a file of the downward API: `name="value"` per line, the value as a quoted Go string. */
function readFields(path: string): Record<string, string> {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw new XebecError("failed_precondition", `${path} cannot be read`, { cause: error });
  }
  const fields: Record<string, string> = {};
  for (const line of text.split("\n")) {
    const at = line.indexOf("=");
    if (at > 0) fields[line.slice(0, at)] = unquote(line.slice(at + 1));
  }
  return fields;
}

function unquote(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "string" ? value : text;
  } catch {
    // Go escapes a few characters that JSON does not know; such a value is taken as it stands.
    return text.replace(/^"|"$/g, "");
  }
}
