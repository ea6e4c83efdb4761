import type { AgentEnvironment } from "./agent-environment.ts";
import type { ProxyConfig } from "./proxy-config.ts";

/** Everything that is known of a proxy before it starts. */
export interface ProxySettings {
  readonly type: "sidecar" | "router";
  /** The pod's address. */
  readonly ip: string;
  readonly podName: string;
  readonly namespace: string;
  /** DNS suffix, `default.svc.cluster.local`. */
  readonly domain: string;
  readonly serviceAccount: string;
  readonly trustDomain: string;
  /** Namespace of the control plane. */
  readonly systemNamespace: string;
  /** `--serviceCluster`; empty: computed as Istio does. */
  readonly serviceCluster: string;
  readonly proxyConfig: ProxyConfig;
  /** Environment variables, of which ISTIO_META_ and ISTIO_METAJSON_ are read. */
  readonly env: AgentEnvironment;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Path of the SDS socket, relative to the working directory that Envoy shares. */
  readonly sdsSocket: string;
  readonly envoyStatusPort: number;
  readonly envoyPrometheusPort: number;
  /** SPIFFE URIs or DNS names of pilot beside its usual ones. */
  readonly pilotNames: readonly string[];
}

/** The address that the proxy's own ports bind: the pod's when several pods share the loopback interface. */
export function bindAddress(settings: Pick<ProxySettings, "env" | "ip">): string {
  return isShared(settings) ? settings.ip : "0.0.0.0";
}

/** The address of Envoy's admin interface. */
export function adminAddress(settings: Pick<ProxySettings, "env" | "ip">): string {
  return isShared(settings) ? settings.ip : "127.0.0.1";
}

/** True when nothing is intercepted: the pod shares its network with others. */
export function isShared({ env }: Pick<ProxySettings, "env">): boolean {
  return env.ISTIO_META_INTERCEPTION_MODE === "NONE";
}
