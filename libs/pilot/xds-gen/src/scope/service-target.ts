import type { PortProtocol } from "@xebec/model-names";
import type { ConnectionPool, SidecarIngress } from "@xebec/model-resources";

/** A service port that the proxy's own workload serves (Istio's ServiceTarget). */
export interface ServiceTarget {
  readonly host: string;
  readonly serviceName: string;
  readonly serviceNamespace: string;
  readonly portName: string;
  readonly servicePort: number;
  readonly protocol: PortProtocol;
  readonly targetPort: number;
  /** Limits of the connections to the workload, as its Sidecar says them. */
  readonly connectionPool?: ConnectionPool;
  /** How a Sidecar's ingress listener serves the port. */
  readonly ingress?: IngressListener;
}

/** What a Sidecar says of a served port. */
export interface IngressListener extends Pick<SidecarIngress, "bind" | "tls"> {
  /** Key of the Sidecar. */
  readonly configKey: string;
  /** The proxy listens at the port itself. */
  readonly bound: boolean;
  /** Where the workload listens; absent for the address and port that were called. */
  readonly endpoint?: IngressEndpoint;
}

/** `pod` is the address of the proxy's own pod. */
export type IngressEndpoint = { readonly address: string; readonly port: number } | { readonly path: string };

/** A target whose port may be the name of a container port. */
export type NamedTarget = Omit<ServiceTarget, "targetPort"> & { readonly targetPort: number | string };
