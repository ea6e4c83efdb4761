import { parseDuration } from "@xebec/core-duration";
import { XebecError } from "@xebec/core-errors";
import { readYaml } from "@xebec/core-yaml";

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
  /** As it was given, for the node's metadata. */
  readonly raw: Readonly<Record<string, unknown>>;
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
    proxyMetadata: isObject(raw.proxyMetadata)
      ? Object.fromEntries(Object.entries(raw.proxyMetadata).map(([name, value]) => [name, String(value)]))
      : {},
    stats: {
      prefixes: texts(matcher.inclusionPrefixes),
      suffixes: texts(matcher.inclusionSuffixes),
      regexps: texts(matcher.inclusionRegexps),
    },
    extraStatTags: texts(raw.extraStatTags),
    raw,
  };
}

/** A port number. @throws XebecError invalid_argument that names where it stands */
export function portOf(value: unknown, what: string): number {
  const port = Number(value);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new XebecError("invalid_argument", `${what}: ${JSON.stringify(value)} is not a port`);
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
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

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}
