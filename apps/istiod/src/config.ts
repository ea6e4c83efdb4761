import { CitadelConfig } from "@xebec/citadel-server";
import { type ConfigOf, configOf, defineConfig, option } from "@xebec/core-config";
import { GalleyConfig } from "@xebec/galley-server";
import { InjectorConfig } from "@xebec/injector-server";
import { PolicyConfig, TelemetryConfig } from "@xebec/mixer-server";
import { trustDomainOf } from "@xebec/model-names";
import { PilotConfig } from "@xebec/pilot-xds-server";

/** Flags of the process that has all services. */
export const IstiodConfig = defineConfig({
  service: "istiod",
  summary: "all six services in one process, on a bus in its memory",
  options: {
    configDir: option.directory("directory of YAML files to take the configuration from"),
    kubernetes: option.boolean(
      "configuration, services, pods and Secrets come from an API server, which keeps the root, too: in a pod, or with --kubeconfig",
    ),
    kubeconfig: option.string("kubeconfig of the API server; without it the service account of the pod"),
    enableStatus: GalleyConfig.options.enableStatus,
    stateDir: option.string("directory of the root, certificates and the last known good state"),
    "trust-domain": option.string("trust domain of SPIFFE identities", "cluster.local", { read: trustDomainOf }),
    domain: option.string("DNS suffix of Kubernetes services", "cluster.local"),
    galleyAddress: option.string("IP address that galley's ports bind", "127.0.0.1"),
    pilotAddress: option.string("IP address that pilot's ports bind", "127.0.0.1"),
    citadelAddress: option.string("IP address that citadel's ports bind", "127.0.0.1"),
    injectorAddress: option.string("IP address that the sidecar injector's ports bind", "127.0.0.1"),
    policyAddress: option.string("IP address that mixer-policy's ports bind", "127.0.0.1"),
    telemetryAddress: option.string("IP address that mixer-telemetry's ports bind", "127.0.0.2"),
    handlerDirs: option.list("directories below which handlers may write files; none: they write no files"),
    handlerNetworks: option.list("networks that handlers may call although they are this machine's or its link's"),
    adapter: option.list("Mixer's adapters from outside: a folder, or the name of an npm package"),
    adapterReload: option.boolean("load adapters from outside again when their files change", false),
    handlerSecretDirs: option.list("directories below which handlers may read secrets"),
    injectorValues: option.string("file with the values of the injection template"),
    busURL: option.servers("NATS servers from which workloads come and to which conditions go, nats://HOST:PORT"),
    busSeedFile: option.string("file with the nkey seed to sign in to NATS"),
    busKeysFile: option.string("file with the public nkeys of all services"),
    busCAFile: option.string(
      "PEM file of the roots that NATS' certificate leads to; with it, or with tls://HOST:PORT, only TLS is spoken",
    ),
    scopeGatewayToNamespace: option.boolean("gateways serve only Gateways of their own namespace", false, {
      env: "PILOT_SCOPE_GATEWAY_TO_NAMESPACE",
    }),
    http10: option.boolean("all proxies take HTTP/1.0 from their clients", false, { env: "PILOT_HTTP10" }),
    jwtEnableRemoteJwks: PilotConfig.options.jwtEnableRemoteJwks,
    log_output_level: option.string("log levels, scope:level[,scope:level]", "default:info"),
  },
});

type Config = ConfigOf<typeof IstiodConfig>;

/** The address of each service; those that share one get a monitoring port of their own each. */
const SERVICES = ["pilot", "galley", "citadel", "injector", "policy", "telemetry"] as const;
const MONITORING_PORT = 15014;

/** Files and directories of the process. */
export interface IstiodPaths {
  readonly stateDir: string;
  /** Tokens of the services are beside it: `FILE.pilot`. */
  readonly tokenFile: string;
  readonly rootFile: string;
}

/** The configuration of each service, as its own process would have it. @throws ConfigError for a value that cannot be used */
export function serviceConfigs(config: Config, { stateDir, tokenFile, rootFile }: IstiodPaths) {
  const address = (service: (typeof SERVICES)[number]): string => config[`${service}Address`];
  const monitoringPort = (service: (typeof SERVICES)[number]): number => {
    const sharing = SERVICES.filter((each) => address(each) === address(service));
    return MONITORING_PORT + 10 * sharing.indexOf(service);
  };
  const monitoring = (service: (typeof SERVICES)[number]) => ({
    monitoringAddress: address(service),
    monitoringPort: monitoringPort(service),
  });
  const identity = (service: string, account = service) => ({
    caAddr: `${config.citadelAddress}:8060`,
    caRootFile: rootFile,
    caTokenFile: `${tokenFile}.${account}`,
    // Apart from what the six services keep: here the buckets come from other sources, and a cache holds one set only.
    stateDir: `${stateDir}/istiod/${service}`,
  });
  const mixer = (service: "policy" | "telemetry") => ({
    ...identity(`mixer-${service}`, "mixer"),
    ...monitoring(service),
    address: `${address(service)}:9091`,
    secureAddr: `${address(service)}:15004`,
    "trust-domain": config["trust-domain"],
    handlerDirs: config.handlerDirs,
    handlerNetworks: config.handlerNetworks,
    handlerSecretDirs: config.handlerSecretDirs,
    adapter: config.adapter,
    adapterReload: config.adapterReload,
  });
  return {
    pilot: configOf(PilotConfig, {
      ...identity("pilot"),
      grpcAddr: `${config.pilotAddress}:15010`,
      secureGrpcAddr: `${config.pilotAddress}:15012`,
      httpAddr: `${config.pilotAddress}:8080`,
      monitoringAddr: `${config.pilotAddress}:${monitoringPort("pilot")}`,
      domain: config.domain,
      "trust-domain": config["trust-domain"],
      registries: config.busURL.length > 0 || config.kubernetes ? ["Bus"] : [],
      secrets: config.busURL.length > 0 || config.configDir !== undefined || config.kubernetes,
      http10: config.http10,
      jwtEnableRemoteJwks: config.jwtEnableRemoteJwks,
      scopeGatewayToNamespace: config.scopeGatewayToNamespace,
    }),
    galley: configOf(GalleyConfig, {
      adapter: config.adapter,
      adapterReload: config.adapterReload,
      ...identity("galley"),
      ...monitoring("galley"),
      "validation-address": config.galleyAddress,
      configPath: config.configDir,
      configSource: config.kubernetes ? [...(config.configDir ? ["directory"] : []), "kubernetes"] : [],
      kubeconfig: config.kubeconfig,
      enableStatus: config.enableStatus,
      domain: config.domain,
    }),
    citadel: configOf(CitadelConfig, {
      "self-signed-ca": true,
      "storage-dir": `${stateDir}/citadel`,
      kubernetes: config.kubernetes ? "true" : "false",
      "kube-config": config.kubeconfig,
      address: config.citadelAddress,
      "monitoring-port": monitoringPort("citadel"),
      "trust-domain": config["trust-domain"],
    }),
    injector: configOf(InjectorConfig, {
      ...identity("sidecar-injector"),
      ...monitoring("injector"),
      address: config.injectorAddress,
      valuesFile: config.injectorValues,
    }),
    policy: configOf(PolicyConfig, mixer("policy")),
    telemetry: configOf(TelemetryConfig, {
      ...mixer("telemetry"),
      prometheusAddr: `${config.telemetryAddress}:42422`,
    }),
  };
}
