import { parseDuration } from "@xebec/core-duration";
import type { MeshConfigSpec } from "@xebec/model-resources";

/** Mesh-wide settings with their defaults (docs/reference/pilot.md §3.13; today's where 1.1's differ). */
export interface Mesh {
  readonly rootNamespace: string;
  readonly trustDomain: string;
  readonly domain: string;
  readonly accessLogFile: string;
  readonly accessLogFormat: string;
  readonly accessLogEncoding: "TEXT" | "JSON";
  readonly connectTimeoutMs: number;
  readonly autoMtls: boolean;
  readonly allowAnyOutbound: boolean;
  readonly policyCheckFailOpen: boolean;
  readonly disablePolicyChecks: boolean;
  readonly disableReports: boolean;
  /** Proxies take HTTP/1.0 from their clients. */
  readonly http10: boolean;
  /** Fields of the mesh configuration that have no effect, as a condition says it. */
  readonly unserved: readonly string[];
  /** Key of the object that it came from, if from one. */
  readonly configKey?: string;
}

const SERVED: ReadonlySet<string> = new Set<keyof MeshConfigSpec>([
  ...(["rootNamespace", "trustDomain", "accessLogFile", "accessLogFormat", "accessLogEncoding"] as const),
  ...(["connectTimeout", "enableAutoMtls", "outboundTrafficPolicy", "policyCheckFailOpen"] as const),
  ...(["disablePolicyChecks", "disableReports"] as const),
]);

/** @param spec the MeshConfig object named `mesh`; absent means all defaults */
export function meshOf(spec: MeshConfigSpec | undefined, domain: string, trustDomain: string, http10 = false): Mesh {
  return {
    unserved: Object.keys(spec ?? {})
      .filter((field) => !SERVED.has(field))
      .map((field) => `spec.${field}: not served yet; ignored`),
    rootNamespace: spec?.rootNamespace ?? "istio-system",
    trustDomain: spec?.trustDomain || trustDomain,
    domain,
    http10,
    accessLogFile: spec?.accessLogFile ?? "",
    accessLogFormat: spec?.accessLogFormat ?? "",
    accessLogEncoding: spec?.accessLogEncoding ?? "TEXT",
    connectTimeoutMs: (spec?.connectTimeout && parseDuration(spec.connectTimeout)) || 10_000,
    autoMtls: spec?.enableAutoMtls ?? true,
    allowAnyOutbound: spec?.outboundTrafficPolicy?.mode !== "REGISTRY_ONLY",
    policyCheckFailOpen: spec?.policyCheckFailOpen ?? false,
    disablePolicyChecks: spec?.disablePolicyChecks ?? false,
    disableReports: spec?.disableReports ?? false,
  };
}
