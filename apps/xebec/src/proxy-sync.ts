/** What pilot says of one proxy: an answer to the bus request `proxies`, as `/debug/syncz` gives it. */
export interface ProxySync {
  readonly proxy: string;
  readonly proxy_type: string;
  readonly istio_version: string;
  readonly cluster_id: string;
  /** The copy of pilot that it is connected to. */
  readonly replica?: string;
  /** False for a client of pilot's plaintext port, which may be anybody. */
  readonly authenticated: boolean;
  readonly cluster_sent: string;
  readonly cluster_acked: string;
  readonly listener_sent: string;
  readonly listener_acked: string;
  readonly route_sent: string;
  readonly route_acked: string;
  readonly endpoint_sent: string;
  readonly endpoint_acked: string;
  readonly extensionconfig_sent: string;
  readonly extensionconfig_acked: string;
  readonly resources: Readonly<Record<string, { readonly last_error: string }>>;
}

export type XdsType = "cluster" | "listener" | "endpoint" | "route" | "extensionconfig";
export const XDS_TYPES: readonly XdsType[] = ["cluster", "listener", "endpoint", "route", "extensionconfig"];
const SUFFIX: Readonly<Record<XdsType, string>> = {
  cluster: ".Cluster",
  listener: ".Listener",
  endpoint: ".ClusterLoadAssignment",
  route: ".RouteConfiguration",
  extensionconfig: ".TypedExtensionConfig",
};

/** Proxies whose word counts: whether a change is in effect, and whether all is well. */
export function authenticated(proxies: readonly ProxySync[]): ProxySync[] {
  return proxies.filter((each) => each.authenticated);
}

/** The error of a proxy that did not accept the last answer of a type; empty otherwise. */
export function nackOf(sync: ProxySync, type: XdsType): string {
  return Object.entries(sync.resources).find(([url]) => url.endsWith(SUFFIX[type]))?.[1].last_error ?? "";
}

/** The cell that istioctl shows. */
export function syncCell(sync: ProxySync, type: XdsType): "SYNCED" | "STALE" | "NOT SENT" | "NACKED" {
  if (nackOf(sync, type)) return "NACKED";
  const sent = sync[`${type}_sent`];
  if (sent === "") return "NOT SENT";
  return sent === sync[`${type}_acked`] ? "SYNCED" : "STALE";
}
