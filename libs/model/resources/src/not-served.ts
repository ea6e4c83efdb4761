/** What a field or kind that Istio has, and this version does not serve, is said to be; `advice` says what to write instead. */
export function notServed(advice = ""): string {
  return `is not served by this version${advice ? `; ${advice}` : ""}`;
}

const kinds = (names: string, advice = ""): [kind: string, advice: string][] =>
  names.split(" ").map((kind) => [kind, advice]);

const OLDER = "it is older than Istio 1.1; write a VirtualService or a DestinationRule of networking.istio.io";

/** Kinds of Istio 1.1 and of today's that are known and not served, by group; what to do instead where there is something. */
const KINDS: Readonly<Record<string, ReadonlyMap<string, string>>> = {
  "networking.istio.io": new Map(kinds("Sidecar EnvoyFilter WorkloadEntry WorkloadGroup ProxyConfig")),
  "security.istio.io": new Map(kinds("AuthorizationPolicy RequestAuthentication")),
  "telemetry.istio.io": new Map(kinds("Telemetry", "metrics and logs come from Mixer's rules of config.istio.io")),
  "extensions.istio.io": new Map(kinds("WasmPlugin TrafficExtension")),
  "install.istio.io": new Map(
    kinds("IstioOperator", "the laptop platform is configured by flags, the mesh by MeshConfig"),
  ),
  "authentication.istio.io": new Map([
    ...kinds("Policy", "write a PeerAuthentication of security.istio.io"),
    ...kinds("MeshPolicy", "write a PeerAuthentication of security.istio.io in the root namespace"),
  ]),
  "rbac.istio.io": new Map(kinds("RbacConfig ClusterRbacConfig ServiceRole ServiceRoleBinding AuthorizationPolicy")),
  "config.istio.io": new Map([
    ...kinds("HTTPAPISpec HTTPAPISpecBinding QuotaSpec QuotaSpecBinding"),
    ...kinds("adapter template", "adapters of their own process are not; use compiledAdapter and compiledTemplate"),
    ...kinds("apigee servicecontrol servicecontrolreport appdynamics", "this adapter is not built in"),
    ...kinds("RouteRule DestinationPolicy EgressRule DestinationRule", OLDER),
    ...kinds("EndUserAuthenticationPolicySpec EndUserAuthenticationPolicySpecBinding", OLDER),
  ]),
};

/** Groups of Istio's API, also those of which nothing is served. */
export const ISTIO_GROUPS: readonly string[] = Object.keys(KINDS);

/** The kinds of a group that are known and not served. */
export function notServedKinds(group: string): readonly string[] {
  return [...(KINDS[group]?.keys() ?? [])];
}

/** What is said of a kind of Istio's that is not served; undefined when Istio has no such kind. */
export function kindNotServed(group: string, kind: string): string | undefined {
  const advice = KINDS[group]?.get(kind);
  return advice === undefined ? undefined : notServed(advice);
}
