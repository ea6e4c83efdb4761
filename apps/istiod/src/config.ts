import { CitadelConfig } from "@xebec/citadel-server";
import { type ConfigOf, type ConfigSpec, defineConfig, loadConfig, option } from "@xebec/core-config";
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
    stateDir: option.string("directory of the root, certificates and the last good state"),
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
    injectorValues: option.string("file with the values of the injection template"),
    busURL: option.servers("NATS servers from which workloads come and to which conditions go, nats://HOST:PORT"),
    busSeedFile: option.string("file with the nkey seed to sign in to NATS"),
    busKeysFile: option.string("file with the public nkeys of all services"),
    http10: option.boolean("all proxies take HTTP/1.0 from their clients", false, { env: "PILOT_HTTP10" }),
    log_output_level: option.string("log levels, scope:level[,scope:level]", "default:info"),
  },
});

type Config = ConfigOf<typeof IstiodConfig>;

/** The address of each service; those that share one get a monitoring port of their own each. */
const SERVICES = ["pilot", "galley", "citadel", "injector", "policy", "telemetry"] as const;
const MONITORING_PORT = 15014;

/** The configuration of each service, as its own process would have it from flags. */
export function serviceConfigs(config: Config, stateDir: string, tokenFile: string, rootFile: string) {
  const address = (service: (typeof SERVICES)[number]): string => config[`${service}Address`];
  const monitoring = (service: (typeof SERVICES)[number]): string => {
    const sharing = SERVICES.filter((each) => address(each) === address(service));
    return String(MONITORING_PORT + 10 * sharing.indexOf(service));
  };
  const identity = ["--caAddr", `${config.citadelAddress}:8060`, "--caRootFile", rootFile];
  const own = (service: string, token: string): string[] => [
    ...identity,
    "--caTokenFile",
    token,
    "--stateDir",
    // Apart from what the six services keep: here the states come from other sources, and a cache holds one set only.
    `${stateDir}/istiod/${service}`,
  ];
  const at = (service: (typeof SERVICES)[number]): string[] => [
    "--monitoringAddress",
    address(service),
    "--monitoringPort",
    monitoring(service),
  ];
  const mixer = (service: "policy" | "telemetry"): string[] => [
    ...own(`mixer-${service}`, `${tokenFile}.mixer`),
    ...at(service),
    "--address",
    `${address(service)}:9091`,
    "--secureAddr",
    `${address(service)}:15004`,
    "--trust-domain",
    config["trust-domain"],
    ...config.handlerDirs.flatMap((each) => ["--handlerDirs", each]),
    ...config.handlerNetworks.flatMap((each) => ["--handlerNetworks", each]),
  ];
  const load = <S extends ConfigSpec>(spec: S, flags: readonly string[]): ConfigOf<S> =>
    loadConfig(spec, flags, {}).config;
  return {
    pilot: load(PilotConfig, [
      ...own("pilot", `${tokenFile}.pilot`),
      "--grpcAddr",
      `${config.pilotAddress}:15010`,
      "--secureGrpcAddr",
      `${config.pilotAddress}:15012`,
      "--httpAddr",
      `${config.pilotAddress}:8080`,
      "--monitoringAddr",
      `${config.pilotAddress}:${monitoring("pilot")}`,
      "--domain",
      config.domain,
      "--trust-domain",
      config["trust-domain"],
      ...(config.busURL.length > 0 ? ["--registries", "Bus"] : []),
      ...(config.http10 ? ["--http10"] : []),
    ]),
    galley: load(GalleyConfig, [
      ...own("galley", `${tokenFile}.galley`),
      ...at("galley"),
      "--validation-address",
      config.galleyAddress,
      ...(config.configDir ? ["--configPath", config.configDir] : []),
    ]),
    citadel: load(CitadelConfig, [
      "--self-signed-ca",
      "--storage-dir",
      `${stateDir}/citadel`,
      "--address",
      config.citadelAddress,
      "--monitoring-port",
      monitoring("citadel"),
      "--trust-domain",
      config["trust-domain"],
    ]),
    injector: load(InjectorConfig, [
      ...own("sidecar-injector", `${tokenFile}.sidecar-injector`),
      ...at("injector"),
      "--address",
      config.injectorAddress,
      ...(config.injectorValues ? ["--valuesFile", config.injectorValues] : []),
    ]),
    policy: load(PolicyConfig, mixer("policy")),
    telemetry: load(TelemetryConfig, [...mixer("telemetry"), "--prometheusAddr", `${config.telemetryAddress}:42422`]),
  };
}
