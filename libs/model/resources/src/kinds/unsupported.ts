import { NETWORKING_VERSIONS, SECURITY_VERSIONS, type UnsupportedKind } from "../kind.ts";

const OLDER = "it is older than Istio 1.1; write a VirtualService or a DestinationRule of networking.istio.io";
const RBAC = "write a rule of config.istio.io with the adapter denier or listchecker";

function kinds(
  group: string,
  versions: readonly string[],
  names: Readonly<Record<string, string>>,
  advice = "",
): UnsupportedKind[] {
  return Object.entries(names).map(([kind, names]) => {
    const [plural = "", ...shortNames] = names.split(" ");
    return { group, kind, plural, versions, shortNames, advice };
  });
}

/**
 * Kinds of Istio 1.1 and of today's Istio that are refused as long as `KINDS` has them not, with their names and what to do instead.
 */
export const REFUSED_KINDS: readonly UnsupportedKind[] = [
  ...kinds("networking.istio.io", NETWORKING_VERSIONS, {
    Sidecar: "sidecars",
    WorkloadEntry: "workloadentries we",
    WorkloadGroup: "workloadgroups wg",
  }),
  ...kinds("networking.istio.io", ["v1alpha3"], { EnvoyFilter: "envoyfilters" }),
  ...kinds("networking.istio.io", ["v1beta1"], { ProxyConfig: "proxyconfigs" }),
  ...kinds("security.istio.io", SECURITY_VERSIONS, {
    AuthorizationPolicy: "authorizationpolicies ap",
    RequestAuthentication: "requestauthentications ra",
  }),
  ...kinds(
    "telemetry.istio.io",
    ["v1alpha1", "v1"],
    { Telemetry: "telemetries telemetry" },
    "metrics and logs come from Mixer's rules of config.istio.io",
  ),
  ...kinds("extensions.istio.io", ["v1alpha1"], {
    WasmPlugin: "wasmplugins",
    TrafficExtension: "trafficextensions",
  }),
  ...kinds(
    "install.istio.io",
    ["v1alpha1"],
    { IstioOperator: "istiooperators iop io" },
    "the laptop platform is configured by flags, the mesh by MeshConfig",
  ),
  ...kinds("authentication.istio.io", ["v1alpha1"], { Policy: "policies", MeshPolicy: "meshpolicies" }),
  ...kinds(
    "rbac.istio.io",
    ["v1alpha1"],
    {
      RbacConfig: "rbacconfigs",
      ClusterRbacConfig: "clusterrbacconfigs",
      ServiceRole: "serviceroles",
      ServiceRoleBinding: "servicerolebindings",
      AuthorizationPolicy: "authorizationpolicies",
    },
    RBAC,
  ),
  ...kinds(
    "config.istio.io",
    ["v1alpha2"],
    { adapter: "adapters", template: "templates" },
    "adapters of their own process are not; use compiledAdapter and compiledTemplate",
  ),
  ...kinds(
    "config.istio.io",
    ["v1alpha2"],
    {
      apigee: "apigees",
      servicecontrol: "servicecontrols",
      servicecontrolreport: "servicecontrolreports",
      appdynamics: "appdynamicses",
    },
    "this adapter is not built in",
  ),
  ...kinds(
    "config.istio.io",
    ["v1alpha2"],
    {
      RouteRule: "routerules",
      DestinationPolicy: "destinationpolicies",
      EgressRule: "egressrules",
      DestinationRule: "destinationrules",
      EndUserAuthenticationPolicySpec: "enduserauthenticationpolicyspecs",
      EndUserAuthenticationPolicySpecBinding: "enduserauthenticationpolicyspecbindings",
    },
    OLDER,
  ),
];
