import { parseDuration } from "@xebec/core-duration";
import { type Path, readProtoJson, type Violation } from "@xebec/model-schema";
import { Checker } from "../../rules/checker.ts";
import { isToken } from "../../rules/names.ts";
import { checkReadinessProbe } from "../shared/readiness-probe.ts";
import { ProxyConfig } from "./proxy-config.ts";

/**
 * Reads a ProxyConfig that stands outside of the mesh's configuration: in a pod's annotation, or in what a proxy says of itself.
 * Fields that are not known count for nothing, as in Istio: they are those of other versions.
 * @param path where it stands, for violations
 * @returns the fields without a violation, and the violations of the others
 */
export function readProxyConfig(
  value: unknown,
  path: Path,
): { readonly config: ProxyConfig; readonly violations: readonly Violation[] } {
  if (value === null || typeof value !== "object" || Array.isArray(value))
    return { config: {}, violations: [{ path, message: "must be a map" }] };
  const config: Record<string, unknown> = {};
  const violations: Violation[] = [];
  for (const [name, each] of Object.entries(value)) {
    const read = readProtoJson(ProxyConfig, { [name]: each }, path);
    const known = read.violations.filter(({ message }) => !message.startsWith("unknown field"));
    const check = new Checker();
    if (read.violations.length === 0) checkProxyConfig(read.value as ProxyConfig, path, check);
    violations.push(...known, ...check.violations);
    if (read.violations.length === 0 && check.violations.length === 0)
      Object.assign(config, read.value as Record<string, unknown>);
  }
  return { config, violations };
}

/** What the schema of ProxyConfig cannot say (docs/reference/pilot.md §3.13). @param path where it stands */
export function checkProxyConfig(config: ProxyConfig | undefined, path: Path, check: Checker): void {
  if (!config) return;
  // Istio has all three in the bootstrap.
  for (const service of ["envoyMetricsService", "envoyAccessLogService", "tracing"] as const)
    if (config[service]?.tlsSettings?.credentialName)
      check.fail(
        [...path, service, "tlsSettings", "credentialName"],
        "only files are read here; write caCertificates, clientCertificate and privateKey",
      );
  checkReadinessProbe(config.readinessProbe, [...path, "readinessProbe"], check);
  for (const field of ["drainDuration", "parentShutdownDuration"] as const) {
    check.duration(config[field], [...path, field]);
    const ms = config[field] === undefined ? undefined : parseDuration(config[field]);
    if (ms !== undefined && ms % 1000 !== 0) check.fail([...path, field], "must be whole seconds");
  }
  check.duration(config.terminationDrainDuration, [...path, "terminationDrainDuration"], { zero: true });
  const { tracing } = config;
  for (const [at, address] of [
    [["discoveryAddress"], config.discoveryAddress],
    [["zipkinAddress"], config.zipkinAddress],
    [["statsdUdpAddress"], config.statsdUdpAddress],
    [["envoyAccessLogService", "address"], config.envoyAccessLogService?.address],
    [["envoyMetricsService", "address"], config.envoyMetricsService?.address],
    [["tracing", "zipkin", "address"], tracing?.zipkin?.address],
    [["tracing", "datadog", "address"], tracing?.datadog?.address],
  ] as const)
    if (address && !address.startsWith("$(")) checkAddress(address, [...path, ...at], check);
  const tracers = (["zipkin", "lightstep", "datadog", "stackdriver", "openCensusAgent"] as const).filter(
    (each) => tracing?.[each],
  );
  if (tracers.length > 1) check.fail([...path, "tracing"], `set one of ${tracers.join(", ")}`);
  for (const [name, tag] of Object.entries(tracing?.customTags ?? {})) {
    const at = [...path, "tracing", "customTags", name];
    if (Object.keys(tag).length !== 1) check.fail(at, "needs one of literal, environment and header");
    if (tag.header && !isToken(tag.header.name))
      check.fail([...at, "header", "name"], `"${tag.header.name}" is not a name of a header`);
  }
}

/** `HOST:PORT`. */
function checkAddress(address: string, path: Path, check: Checker): void {
  const [, host = "", port = ""] = /^\[?([^\]]*)\]?:(\d{1,5})$/.exec(address) ?? [];
  if (!host || Number(port) < 1 || Number(port) > 65_535) check.fail(path, `"${address}" is not HOST:PORT`);
  else check.host(host, path, { ip: true });
}
