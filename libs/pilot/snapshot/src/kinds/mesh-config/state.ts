import type { ExtensionProvider, LocalityLbSetting } from "@xebec/model-resources";
import type { JwksFetch } from "../../options.ts";

/** What proxies do with paths before they compare them. */
export type PathNormalization = "NONE" | "BASE" | "MERGE_SLASHES" | "DECODE_AND_MERGE_SLASHES";

/** Mesh-wide settings with their defaults (docs/reference/pilot.md §3.13; today's where 1.1's differ). */
export interface Mesh {
  readonly rootNamespace: string;
  readonly trustDomain: string;
  /** Other trust domains whose identities count as the mesh's own. */
  readonly trustDomainAliases: readonly string[];
  readonly pathNormalization: PathNormalization;
  /** Services outside of the proxies that policies and telemetry name. */
  readonly extensionProviders: readonly ExtensionProvider[];
  /** DNS suffix of Kubernetes services. */
  readonly domain: string;
  readonly accessLogFile: string;
  readonly accessLogFormat: string;
  readonly accessLogEncoding: "TEXT" | "JSON";
  readonly connectTimeoutMs: number;
  readonly autoMtls: boolean;
  /** Locality load balancing, where no DestinationRule says. */
  readonly localityLb: LocalityLbSetting;
  readonly allowAnyOutbound: boolean;
  readonly policyCheckFailOpen: boolean;
  readonly disablePolicyChecks: boolean;
  readonly disableReports: boolean;
  /** Proxies take HTTP/1.0 from their clients. */
  readonly http10: boolean;
  /** Who fetches the keys that verify tokens. */
  readonly jwksFetch: JwksFetch;
  /** Fields of the mesh configuration that have no effect, as `path: why`. */
  readonly unsupportedFields: readonly string[];
  /** Key of the object that it came from, if from one. */
  readonly configKey?: string;
}

export interface MeshState {
  readonly mesh: Mesh;
}

export const meshKeys = { mesh: "mesh" } as const;
