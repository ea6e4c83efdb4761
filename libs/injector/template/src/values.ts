/** What an installation sets: the values that the template may use as `{{values.name}}`. */
export interface InjectValues {
  readonly proxyImage: string;
  readonly initImage: string;
  readonly clusterDomain: string;
  readonly trustDomain: string;
  readonly clusterId: string;
  /** `HOST:PORT` of pilot's secure port. */
  readonly discoveryAddress: string;
  /** `HOST:PORT` of citadel. */
  readonly caAddress: string;
  readonly interceptionMode: "REDIRECT" | "TPROXY" | "NONE";
  readonly concurrency: string;
  readonly logLevel: string;
  readonly proxyCpu: string;
  readonly proxyMemory: string;
  /** `true` or `false`: whether probes of the app go through the agent where the pod does not say it. */
  readonly rewriteAppHTTPProbe: string;
}

export const DEFAULT_VALUES: InjectValues = {
  proxyImage: "xebec/proxyv2",
  initImage: "xebec/proxy-init",
  clusterDomain: "cluster.local",
  trustDomain: "cluster.local",
  clusterId: "Kubernetes",
  discoveryAddress: "istio-pilot.istio-system.svc:15012",
  caAddress: "istio-citadel.istio-system.svc:8060",
  interceptionMode: "REDIRECT",
  concurrency: "2",
  logLevel: "warning",
  proxyCpu: "100m",
  proxyMemory: "128Mi",
  rewriteAppHTTPProbe: "true",
};
