import { parseAddress } from "@xebec/core-config";
import { parseDuration } from "@xebec/core-duration";
import { XebecError } from "@xebec/core-errors";
import { readYaml } from "@xebec/core-yaml";
import { type ReadinessProbe, readinessProbeOf } from "./health/readiness-probe.ts";
import { isObject, portOf } from "./proxy-config-values.ts";

/** The part of Istio's ProxyConfig that the agent acts on; further fields travel in the node's metadata only. */
export interface ProxyConfig {
  /** Pilot, `HOST:PORT`; port 15010 means plaintext. */
  readonly discoveryAddress: string;
  readonly proxyAdminPort: number;
  readonly statusPort: number;
  /** Worker threads of Envoy; 0: one per core. Absent: as the flag says. */
  readonly concurrency?: number;
  /** How long listeners drain before Envoy is ended, in milliseconds. */
  readonly terminationDrainMs: number;
  /** How long Envoy drains connections of a listener that was changed, in seconds. */
  readonly drainSeconds: number;
  /** Entries become environment variables of the agent; only names that begin with ISTIO_META_ have a meaning. */
  readonly proxyMetadata: Readonly<Record<string, string>>;
  /** Statistics to keep beside those that the mesh needs. */
  readonly stats: {
    readonly prefixes: readonly string[];
    readonly suffixes: readonly string[];
    readonly regexps: readonly string[];
  };
  readonly extraStatTags: readonly string[];
  /** `IP:PORT` of a StatsD server. */
  readonly statsd?: string;
  /** Gets Envoy's statistics. */
  readonly metricsService?: RemoteService;
  /** Envoy's runtime; an empty text takes a value away. */
  readonly runtimeValues: Readonly<Record<string, string>>;
  /** Statistics are compressed for those who ask for it. */
  readonly statsCompression: boolean;
  /** How often and with how much logs are written to files. */
  readonly fileFlush: { readonly intervalMs: number; readonly minSizeKb?: number };
  /** The name of the proxy's service, where it is given. */
  readonly serviceCluster?: string;
  readonly serviceName: "APP_LABEL_AND_NAMESPACE" | "CANONICAL_NAME_ONLY" | "CANONICAL_NAME_AND_NAMESPACE";
  readonly meshId?: string;
  /** Of a workload outside of the platform. */
  readonly readinessProbe?: ReadinessProbe;
  /** As it was given, for the node's metadata. */
  readonly raw: Readonly<Record<string, unknown>>;
}

/** A service that the proxy calls by its address. */
export interface RemoteService {
  /** `HOST:PORT`. */
  readonly address: string;
  readonly tlsSettings?: {
    readonly mode?: "DISABLE" | "SIMPLE" | "MUTUAL" | "ISTIO_MUTUAL";
    readonly clientCertificate?: string;
    readonly privateKey?: string;
    readonly caCertificates?: string;
    readonly subjectAltNames?: readonly string[];
    readonly sni?: string;
    readonly credentialName?: string;
    readonly caCrl?: string;
    readonly insecureSkipVerify?: boolean;
  };
  readonly tcpKeepalive?: {
    readonly probes?: number;
    readonly timeSeconds?: number;
    readonly intervalSeconds?: number;
  };
}

/** Istio's defaults (docs/reference/pilot.md §7). */
const DEFAULTS = { discoveryAddress: "istiod.istio-system.svc:15012", proxyAdminPort: 15_000, statusPort: 15_020 };

/**
 * Reads the environment variable PROXY_CONFIG: JSON or YAML.
 * @throws XebecError invalid_argument that names the field
 */
export function parseProxyConfig(text: string): ProxyConfig {
  const raw = readObject(text);
  const port = (name: "proxyAdminPort" | "statusPort"): number =>
    portOf(raw[name] ?? DEFAULTS[name], `PROXY_CONFIG.${name}`);
  const matcher = isObject(raw.proxyStatsMatcher) ? raw.proxyStatsMatcher : {};
  const { concurrency } = raw;
  if (concurrency !== undefined && concurrency !== null && !(Number.isInteger(concurrency) && Number(concurrency) >= 0))
    throw new XebecError("invalid_argument", "PROXY_CONFIG.concurrency is not a number of threads");
  return {
    discoveryAddress: typeof raw.discoveryAddress === "string" ? raw.discoveryAddress : DEFAULTS.discoveryAddress,
    proxyAdminPort: port("proxyAdminPort"),
    statusPort: port("statusPort"),
    ...(typeof concurrency === "number" ? { concurrency } : {}),
    terminationDrainMs: duration(raw.terminationDrainDuration, 5_000, "terminationDrainDuration"),
    drainSeconds: Math.ceil(duration(raw.drainDuration, 45_000, "drainDuration") / 1_000),
    proxyMetadata: textMap(raw.proxyMetadata),
    stats: {
      prefixes: texts(matcher.inclusionPrefixes),
      suffixes: texts(matcher.inclusionSuffixes),
      regexps: texts(matcher.inclusionRegexps),
    },
    extraStatTags: texts(raw.extraStatTags),
    ...optional("statsd", addressOf(raw.statsdUdpAddress, "statsdUdpAddress")),
    ...optional("metricsService", metricsServiceOf(raw)),
    runtimeValues: textMap(raw.runtimeValues),
    statsCompression: raw.statsCompression !== false,
    fileFlush: {
      intervalMs: duration(raw.fileFlushInterval, 1_000, "fileFlushInterval"),
      ...(typeof raw.fileFlushMinSizeKb === "number" ? { minSizeKb: raw.fileFlushMinSizeKb } : {}),
    },
    ...optional("serviceCluster", nonEmpty(raw.serviceCluster)),
    serviceName:
      raw.tracingServiceName === "CANONICAL_NAME_ONLY" || raw.tracingServiceName === "CANONICAL_NAME_AND_NAMESPACE"
        ? raw.tracingServiceName
        : "APP_LABEL_AND_NAMESPACE",
    ...optional("meshId", nonEmpty(raw.meshId)),
    ...optional("readinessProbe", readinessProbeOf(raw.readinessProbe)),
    raw,
  };
}

function readObject(text: string): Record<string, unknown> {
  if (text.trim() === "") return {};
  try {
    const value: unknown = text.trimStart().startsWith("{") ? JSON.parse(text) : readYaml(text);
    if (isObject(value)) return value;
  } catch (error) {
    throw new XebecError("invalid_argument", "PROXY_CONFIG is neither JSON nor YAML", { cause: error });
  }
  throw new XebecError("invalid_argument", "PROXY_CONFIG is not an object");
}

function duration(value: unknown, fallback: number, name: string): number {
  if (value === undefined) return fallback;
  const ms = typeof value === "string" ? parseDuration(value) : undefined;
  if (ms === undefined || ms < 0)
    throw new XebecError("invalid_argument", `PROXY_CONFIG.${name}: ${JSON.stringify(value)} is not a duration`);
  return ms;
}

function optional<K extends string, V>(name: K, value: V | undefined): { readonly [Name in K]?: V } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [Name in K]?: V };
}

function nonEmpty(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function textMap(value: unknown): Record<string, string> {
  if (!isObject(value)) return {};
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, String(each)]));
}

/** @throws XebecError invalid_argument for what is not HOST:PORT */
function addressOf(value: unknown, name: string): string | undefined {
  const given = nonEmpty(value);
  if (given === undefined) return undefined;
  try {
    parseAddress(given);
  } catch (cause) {
    throw new XebecError("invalid_argument", `PROXY_CONFIG.${name}: "${given}" is not HOST:PORT`, { cause });
  }
  return given;
}

function metricsServiceOf(raw: Readonly<Record<string, unknown>>): RemoteService | undefined {
  const service = isObject(raw.envoyMetricsService) ? raw.envoyMetricsService : {};
  const address =
    addressOf(service.address, "envoyMetricsService.address") ??
    addressOf(raw.envoyMetricsServiceAddress, "envoyMetricsServiceAddress");
  if (address === undefined) return undefined;
  const { tlsSettings, tcpKeepalive: probing } = service;
  const seconds = (value: unknown, name: string): number =>
    Math.ceil(duration(value, 0, `envoyMetricsService.tcpKeepalive.${name}`) / 1_000);
  return {
    address,
    ...(isObject(tlsSettings) ? { tlsSettings: tlsSettings as NonNullable<RemoteService["tlsSettings"]> } : {}),
    ...(isObject(probing)
      ? {
          tcpKeepalive: {
            probes: Number(probing.probes ?? 0),
            timeSeconds: seconds(probing.time, "time"),
            intervalSeconds: seconds(probing.interval, "interval"),
          },
        }
      : {}),
  };
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}
