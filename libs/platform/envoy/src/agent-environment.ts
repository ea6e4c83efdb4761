/**
 * The variables by which the injector and Kubernetes describe the pod to its agent (docs/reference/pilot.md §7.2); a table in
 * docs/pilot-agent.md explains them. An empty one counts as one that is not set.
 */
type AgentVariable =
  // The pod.
  | "INSTANCE_IP"
  | "POD_NAME"
  | "POD_NAMESPACE"
  | "SERVICE_ACCOUNT"
  | "HOSTNAME"
  | "TRUST_DOMAIN"
  | "ISTIO_NAMESPACE"
  // Pilot and citadel.
  | "PROXY_CONFIG"
  | "ISTIO_DELTA_XDS"
  | "ISTIOD_SAN"
  | "PILOT_CERT_PROVIDER"
  | "CA_ADDR"
  | "CA_ROOT_CA"
  | "PROV_CERT"
  | "SECRET_TTL"
  | "WORKLOAD_RSA_KEY_SIZE"
  | "ECC_SIGNATURE_ALGORITHM"
  | "ECC_CURVE"
  | "BOOTSTRAP_XDS_AGENT"
  | "ISTIO_BOOTSTRAP_OVERRIDE"
  // DNS.
  | "DNS_PROXY_ADDR"
  | "DNS_FORWARD_PARALLEL"
  | "XEBEC_RESOLV_CONF"
  // Ports, probes, metrics and the end.
  | "PROXY_ADMIN_PORT"
  | "ENVOY_STATUS_PORT"
  | "ENVOY_PROMETHEUS_PORT"
  | "EXIT_ON_ZERO_ACTIVE_CONNECTIONS"
  | "MINIMUM_DRAIN_DURATION"
  | "ISTIO_KUBE_APP_PROBERS"
  | "ISTIO_PROMETHEUS_ANNOTATIONS"
  // Workloads without an Envoy.
  | "DISABLE_ENVOY"
  | "OUTPUT_CERTS"
  | "GRPC_XDS_BOOTSTRAP"
  // Modules of plugins.
  | "WASM_HTTP_REQUEST_TIMEOUT"
  | "WASM_FETCH_NETWORKS"
  | "WASM_INSECURE_REGISTRIES"
  | "DOCKER_CONFIG";

/** The agent's environment: whoever starts one and whoever reads it have the same names. */
export type AgentEnvironment = {
  readonly [Name in AgentVariable]?: string | undefined;
} & {
  /** Metadata of the node. */
  readonly [Name in `ISTIO_META_${string}` | `ISTIO_METAJSON_${string}`]?: string | undefined;
};
