import type { MeshConfigSpec } from "@xebec/model-resources";

/** What every snapshot of a builder is made with. */
export interface SnapshotOptions {
  /** DNS suffix of Kubernetes services. */
  readonly domain: string;
  /** Trust domain while the mesh configuration names none. */
  readonly trustDomain: string;
  /** The mesh configuration while there is no object of it. */
  readonly mesh?: MeshConfigSpec;
  /** Namespace of the control plane (`istio-system`): its services and the mesh configuration are there. */
  readonly systemNamespace?: string;
  /** True when every proxy takes HTTP/1.0 from its clients; else only those whose metadata say so. */
  readonly http10?: boolean;
  /** True when routers serve the Gateways of their own namespace alone. */
  readonly ownNamespaceGateways?: boolean;
  /** Who fetches the keys that verify tokens; pilot when left out. */
  readonly jwksFetch?: JwksFetch;
}

/**
 * Istio's `PILOT_JWT_ENABLE_REMOTE_JWKS`: pilot; Envoy where the URL's host is a service of the mesh, else pilot (`hybrid`); or Envoy
 * always.
 */
export type JwksFetch = "istiod" | "hybrid" | "envoy";
