import { type Check, ConfigError, type ConfigOf, defineConfig, option } from "@xebec/core-config";
import { parseDuration } from "@xebec/core-duration";
import { trustDomainOf } from "@xebec/model-names";
import type { JwksFetch } from "@xebec/pilot-snapshot";
import { networkSyntaxError } from "@xebec/platform-http/guarded";
import { PLATFORM_REGISTRIES } from "./state/registries.ts";

const areNetworks: Check = (value) => (value as readonly string[]).map(networkSyntaxError).find(Boolean);
const isHttp: Check = (value) =>
  URL.canParse(String(value)) && /^https?:$/.test(new URL(String(value)).protocol)
    ? undefined
    : `"${value}" is not a server; write http://HOST:8500`;
const isInterval: Check = (value) =>
  (parseDuration(String(value)) ?? 0) >= 1_000 ? undefined : `"${value}" is not a duration of 1s and more`;
const isCount: Check = (value) =>
  Number.isInteger(value) && Number(value) >= 0 ? undefined : `"${value}" is not a whole number`;
/** Istio's values of PILOT_JWT_ENABLE_REMOTE_JWKS. */
const JWKS_FETCH: Readonly<Record<string, JwksFetch>> = {
  ...{ false: "istiod", istiod: "istiod", true: "hybrid", hybrid: "hybrid", envoy: "envoy" },
};

/** Pilot's flags, with Istio 1.1's names (docs/reference/pilot.md §6.1). */
export const PilotConfig = defineConfig({
  service: "pilot",
  summary: "serves xDS to the proxies of the mesh",
  options: {
    configDir: option.directory("directory of YAML files to take the configuration from; then no bus is needed"),
    busURL: option.servers("NATS servers that carry configuration and workloads, nats://HOST:PORT"),
    busSeedFile: option.string("file with the nkey seed to sign in to NATS"),
    busKeysFile: option.string("file with the public nkeys of all services, to verify who wrote a signed bucket"),
    busCAFile: option.string(
      "PEM file of the roots that NATS' certificate leads to; with it, or with tls://HOST:PORT, only TLS is spoken",
    ),
    grpcAddr: option.addressOrNone("address of plaintext xDS; empty for none", ":15010"),
    secureGrpcAddr: option.addressOrNone(
      "address of xDS over TLS, for clients with a certificate or a token; empty for none",
      ":15012",
    ),
    httpAddr: option.address("address of /ready and the debug pages", ":8080"),
    monitoringAddr: option.address("address of metrics, health and log levels", ":15014"),
    domain: option.string("DNS suffix of Kubernetes services", "cluster.local"),
    "trust-domain": option.string("trust domain of SPIFFE identities", "cluster.local", { read: trustDomainOf }),
    registries: option.list(
      "platform service registries: Bus takes services and pods from the bus, Kubernetes from an API server, Consul from an agent",
    ),
    kubeconfig: option.string(
      "kubeconfig of the API server of --registries Kubernetes; without it the service account of the pod",
    ),
    kubernetes: option.oneOf(
      "ask the API server whom tokens of service accounts belong to, and which gateways may list Secrets; auto: with --kubeconfig, or --registries Kubernetes",
      ["auto", "true", "false"],
      "auto",
    ),
    consulserverURL: option.string("Consul agent of --registries Consul, http://HOST:8500", undefined, {
      env: "CONSUL_HTTP_ADDR",
      check: isHttp,
    }),
    consulToken: option.string("token for it", undefined, { env: "CONSUL_HTTP_TOKEN", secret: true }),
    secrets: option.boolean("Kubernetes' Secrets for gateways come over the bus; pilot waits for them", false),
    mcpServerAddrs: option.list(
      "MCP servers, such as galley, to take the configuration from; then no bus is needed: mcp://HOST:PORT, mcps://HOST:PORT",
    ),
    mcpMaxMsgSize: option.number("largest message of theirs, in bytes", 4 << 20),
    certFile: option.string("certificate for mcps://, without --caAddr", "/etc/certs/cert-chain.pem"),
    keyFile: option.string("its private key", "/etc/certs/key.pem"),
    caCertFile: option.string("roots of the servers' certificates", "/etc/certs/root-cert.pem"),
    meshConfig: option.string("file of the mesh configuration, read at the start; an object of it wins"),
    networksConfig: option.string("file of the mesh's networks, read at the start; those of an object win"),
    namespace: option.string("namespace of the control plane and of the mesh configuration", "istio-system", {
      env: "POD_NAMESPACE",
    }),
    keepaliveMaxServerConnectionAge: option.string("age at which a proxy's connection is closed", "infinity"),
    caAddr: option.address("citadel's address, HOST:PORT, to get the certificate of the secure port from"),
    caRootFile: option.string("root certificate to verify citadel with"),
    caTokenFile: option.string("file with the token that proves to citadel who this is"),
    scopeGatewayToNamespace: option.boolean("gateways serve only Gateways of their own namespace", false, {
      env: "PILOT_SCOPE_GATEWAY_TO_NAMESPACE",
    }),
    pushThrottle: option.number("most proxies that take in a response of 1 MiB or more at once; 0 for any number", 0, {
      env: "PILOT_PUSH_THROTTLE",
    }),
    http10: option.boolean("all proxies take HTTP/1.0 from their clients", false, { env: "PILOT_HTTP10" }),
    jwtPubKeyRefreshInterval: option.string("how often the keys that verify tokens are fetched", "20m", {
      env: "PILOT_JWT_PUB_KEY_REFRESH_INTERVAL",
      check: isInterval,
    }),
    jwtEnableRemoteJwks: option.oneOf(
      "who fetches these keys: pilot (istiod, false), Envoy, or hybrid (true): Envoy where the host is a service",
      Object.keys(JWKS_FETCH),
      "false",
      { env: "PILOT_JWT_ENABLE_REMOTE_JWKS" },
    ),
    jwksNetworks: option.list(
      "networks from which these keys may come although they are this machine's or its link's: 127.0.0.1, 169.254.0.0/16",
      [],
      { check: areNetworks },
    ),
    jwksRootsFile: option.string("file of certificates, PEM, that servers of these keys may be verified by, too"),
    reusePort: option.boolean(
      "other copies on this machine share the xDS ports (SO_REUSEPORT): the kernel spreads the proxies over them",
      false,
    ),
    replica: option.string(
      "name of this copy of pilot; by default the pod's, else the host's with the monitoring port",
    ),
    vhdsFrom: option.number("from how many services on a proxy gets virtual hosts one by one (VHDS); 0: never", 500, {
      env: "PILOT_VHDS_FROM",
      check: isCount,
    }),
    stateDir: option.string("directory of the last known good state and of the certificate"),
    log_output_level: option.string("log levels, scope:level[,scope:level]", "default:info"),
  },
  subcommand: "discovery",
  aliases: { secureGRPCAddr: "secureGrpcAddr", n: "namespace" },
  // What changes nothing of what proxies get; flags of pilot-discovery that would change something are errors.
  ignored: {
    ...{
      plugins: "value",
      resync: "value",
      consulserverInterval: "value",
      clusterRegistriesNamespace: "value",
      "disable-install-crds": "switch",
    },
    ...{ keepaliveInterval: "value", keepaliveTimeout: "value", ctrlz_port: "value", ctrlz_address: "value" },
    ...{ profile: "switch", discoveryCache: "switch", log_as_json: "switch", log_target: "value", log_caller: "value" },
    ...{ log_stacktrace_level: "value", log_rotate: "value", log_rotate_max_age: "value" },
    ...{ log_rotate_max_backups: "value", log_rotate_max_size: "value" },
  },
});

/** Whether an API server is asked about tokens and rights. */
export function asksKubernetes({ kubernetes, kubeconfig, registries }: ConfigOf<typeof PilotConfig>): boolean {
  return kubernetes === "auto" ? kubeconfig !== undefined || registries.includes("Kubernetes") : kubernetes === "true";
}

/** Who fetches the keys that verify tokens. */
export function jwksFetchOf({ jwtEnableRemoteJwks }: ConfigOf<typeof PilotConfig>): JwksFetch {
  return JWKS_FETCH[jwtEnableRemoteJwks] as JwksFetch;
}

const REGISTRY = Object.keys(PLATFORM_REGISTRIES).join(" or ");
/** Registries of Istio's that publish nothing by themselves: services are ServiceEntries that come over MCP. */
const MCP_REGISTRY = "MCP";
/** A year and more: for a connection as good as for ever, and Go's way to say infinity. */
const FOREVER_MS = 10_000 * 3_600_000;

/** Finds what no single option shows. @throws ConfigError with every error */
export function checkPilotConfig(config: ConfigOf<typeof PilotConfig>): void {
  const errors = config.registries
    .filter((each) => !Object.hasOwn(PLATFORM_REGISTRIES, each) && each !== MCP_REGISTRY)
    .map((each) => `--registries: there is no registry ${each}; write ${REGISTRY} or ${MCP_REGISTRY}`);
  if (config.mcpServerAddrs.length > 0 && config.busURL.length > 0)
    errors.push("--mcpServerAddrs: with --busURL galley publishes the configuration on the bus; give one of them");
  if (config.registries.includes("Consul") && !config.consulserverURL)
    errors.push("--registries: Consul needs --consulserverURL, http://HOST:8500");
  // Galley publishes what an API server has; pilot has no right to.
  if (config.registries.includes("Kubernetes") && config.busURL.length > 0)
    errors.push("--registries: with --busURL galley publishes what Kubernetes has; write Bus");
  if (config.registries.includes("Kubernetes") && config.registries.includes("Bus"))
    errors.push("--registries: Kubernetes and Bus are the same services twice; write one of them");
  const { keepaliveMaxServerConnectionAge: age } = config;
  if (age !== "infinity" && !((parseDuration(age) ?? 0) > 0))
    errors.push(`--keepaliveMaxServerConnectionAge: "${age}" is not a duration; write for example 30m, or infinity`);
  if (errors.length > 0) throw new ConfigError(PilotConfig.service, errors);
}

/** How old a connection may become, in milliseconds; undefined: as old as it likes. */
export function connectionAgeMs(config: ConfigOf<typeof PilotConfig>): number | undefined {
  const age = parseDuration(config.keepaliveMaxServerConnectionAge);
  return age === undefined || age > FOREVER_MS ? undefined : age;
}
