import { CitadelConfig } from "@xebec/citadel-server";
import {
  type ConfigOf,
  type ConfigSpec,
  type ConfigValues,
  configArguments,
  configOf,
  defineConfig,
  loadConfig,
  option,
} from "@xebec/core-config";
import { checkGalleyConfig, GalleyConfig } from "@xebec/galley-server";
import { InjectorConfig } from "@xebec/injector-server";
import { checkMixerConfig, PolicyConfig, TelemetryConfig } from "@xebec/mixer-server";
import { trustDomainOf } from "@xebec/model-names";
import { checkPilotConfig, PilotConfig } from "@xebec/pilot-xds-server";

/** Flags of the process that has all services. */
export const IstiodConfig = defineConfig({
  service: "istiod",
  summary: "all six services in one process, on a bus in its memory; --SERVICE.FLAG=VALUE is a flag of one of them",
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
    namespace: option.string("namespace of the control plane and of the mesh configuration", "istio-system", {
      env: "POD_NAMESPACE",
    }),
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
    pilotSharedAddress: option.string("IP address of the xDS ports, which other copies on this machine share"),
    healthAddr: option.addressOrNone("address of /healthz and /readyz of all services together; empty for none", ""),
    log_output_level: option.string("log levels, scope:level[,scope:level]", "default:info"),
  },
});

type Config = ConfigOf<typeof IstiodConfig>;

/** The address of each service; those that share one get a monitoring port of their own each. */
const SERVICES = ["pilot", "galley", "citadel", "injector", "policy", "telemetry"] as const;
type Service = (typeof SERVICES)[number];
const MONITORING_PORT = 15_014;
/** Both Mixer services have the same ports; where they share an address, as in a pod, mixer-telemetry has the next ones. */
const MIXER_PORTS = { grpc: 9091, secure: 15_004 } as const;
/** The names before the flags of single services. */
const FLAG_PREFIXES: Readonly<Record<string, Service>> = {
  ...{ pilot: "pilot", galley: "galley", citadel: "citadel", "sidecar-injector": "injector" },
  ...{ "mixer-policy": "policy", "mixer-telemetry": "telemetry" },
};

/** The flags of single services, as arguments of their own processes. */
export type ServiceFlags = Partial<Readonly<Record<Service, readonly string[]>>>;

/** Takes the flags of single services out of the arguments: `--pilot.http10=true` is pilot's `--http10=true`. */
export function splitArguments(argv: readonly string[]): {
  readonly own: readonly string[];
  readonly ofServices: ServiceFlags;
} {
  const own: string[] = [];
  const ofServices: Partial<Record<Service, string[]>> = {};
  for (const each of argv) {
    const [, prefix = "", flag] = /^--([\w-]+)\.(.+)$/.exec(each) ?? [];
    const service = Object.hasOwn(FLAG_PREFIXES, prefix) ? FLAG_PREFIXES[prefix] : undefined;
    if (service === undefined) own.push(each);
    else ofServices[service] = [...(ofServices[service] ?? []), `--${flag}`];
  }
  return { own, ofServices };
}

/** A service's configuration: what its own flags say counts before what istiod makes of its own. */
function configWith<S extends ConfigSpec>(
  spec: S,
  values: ConfigValues<S>,
  flags: readonly string[] = [],
): ConfigOf<S> {
  if (flags.length === 0) return configOf(spec, values);
  const given = new Set(flags.map((each) => /^--([^=]+)/.exec(each)?.[1]));
  const rest = Object.fromEntries(Object.entries(values).filter(([name]) => !given.has(name)));
  return loadConfig(spec, [...configArguments(rest as ConfigValues<S>), ...flags], {}).config;
}

/** Where a client in the same process reaches what binds an address. */
function reachable(address: string): string {
  if (address === "0.0.0.0") return "127.0.0.1";
  if (address === "::") return "[::1]";
  return address.includes(":") ? `[${address}]` : address;
}

/** Files and directories of the process. */
export interface IstiodPaths {
  readonly stateDir: string;
  /** Tokens of the services are beside it: `FILE.pilot`. */
  readonly tokenFile: string;
  readonly rootFile: string;
}

/** The configuration of each service, as its own process would have it. @throws ConfigError for a value that cannot be used */
export function serviceConfigs(
  config: Config,
  { stateDir, tokenFile, rootFile }: IstiodPaths,
  flags: ServiceFlags = {},
) {
  const { namespace } = config;
  const address = (service: Service): string => config[`${service}Address`];
  const monitoringPort = (service: Service): number => {
    const sharing = SERVICES.filter((each) => address(each) === address(service));
    return MONITORING_PORT + 10 * sharing.indexOf(service);
  };
  const monitoring = (service: Service) => ({
    monitoringAddress: address(service),
    monitoringPort: monitoringPort(service),
  });
  const identity = (service: string, account = service) => ({
    caAddr: `${reachable(config.citadelAddress)}:8060`,
    caRootFile: rootFile,
    caTokenFile: `${tokenFile}.${account}`,
    // Apart from what the six services keep: here the buckets come from other sources, and a cache holds one set only.
    stateDir: `${stateDir}/istiod/${service}`,
  });
  const mixerPort = (service: Service, port: number): number =>
    service === "telemetry" && address(service) === address("policy") ? port + 1 : port;
  const mixer = (service: "policy" | "telemetry") => ({
    ...identity(`mixer-${service}`, "mixer"),
    ...monitoring(service),
    address: `${address(service)}:${mixerPort(service, MIXER_PORTS.grpc)}`,
    secureAddr: `${address(service)}:${mixerPort(service, MIXER_PORTS.secure)}`,
    namespace,
    configDefaultNamespace: namespace,
    "trust-domain": config["trust-domain"],
    handlerDirs: config.handlerDirs,
    handlerNetworks: config.handlerNetworks,
    handlerSecretDirs: config.handlerSecretDirs,
    adapter: config.adapter,
    adapterReload: config.adapterReload,
  });
  const configs = {
    pilot: configWith(
      PilotConfig,
      {
        ...identity("pilot"),
        grpcAddr: `${config.pilotSharedAddress ?? config.pilotAddress}:15010`,
        secureGrpcAddr: `${config.pilotSharedAddress ?? config.pilotAddress}:15012`,
        reusePort: config.pilotSharedAddress !== undefined,
        httpAddr: `${config.pilotAddress}:8080`,
        monitoringAddr: `${config.pilotAddress}:${monitoringPort("pilot")}`,
        domain: config.domain,
        namespace,
        "trust-domain": config["trust-domain"],
        registries: config.busURL.length > 0 || config.kubernetes ? ["Bus"] : [],
        secrets: config.busURL.length > 0 || config.configDir !== undefined || config.kubernetes,
        http10: config.http10,
        jwtEnableRemoteJwks: config.jwtEnableRemoteJwks,
        scopeGatewayToNamespace: config.scopeGatewayToNamespace,
      },
      flags.pilot,
    ),
    galley: configWith(
      GalleyConfig,
      {
        adapter: config.adapter,
        adapterReload: config.adapterReload,
        ...identity("galley"),
        "deployment-namespace": namespace,
        ...monitoring("galley"),
        "validation-address": config.galleyAddress,
        configPath: config.configDir,
        configSource: config.kubernetes ? [...(config.configDir ? ["directory"] : []), "kubernetes"] : [],
        kubeconfig: config.kubeconfig,
        enableStatus: config.enableStatus,
        domain: config.domain,
      },
      flags.galley,
    ),
    citadel: configWith(
      CitadelConfig,
      {
        "self-signed-ca": true,
        "citadel-storage-namespace": namespace,
        "storage-dir": `${stateDir}/citadel`,
        kubernetes: config.kubernetes ? "true" : "false",
        "kube-config": config.kubeconfig,
        address: config.citadelAddress,
        "monitoring-port": monitoringPort("citadel"),
        "trust-domain": config["trust-domain"],
      },
      flags.citadel,
    ),
    injector: configWith(
      InjectorConfig,
      {
        ...identity("sidecar-injector"),
        ...monitoring("injector"),
        address: config.injectorAddress,
        namespace,
        kubeconfig: config.kubeconfig,
        valuesFile: config.injectorValues,
      },
      flags.injector,
    ),
    policy: configWith(PolicyConfig, mixer("policy"), flags.policy),
    telemetry: configWith(
      TelemetryConfig,
      { ...mixer("telemetry"), prometheusAddr: `${config.telemetryAddress}:42422` },
      flags.telemetry,
    ),
  };
  checkPilotConfig(configs.pilot);
  checkGalleyConfig(configs.galley);
  checkMixerConfig(configs.policy);
  checkMixerConfig(configs.telemetry);
  return configs;
}
