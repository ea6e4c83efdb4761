import { join } from "node:path";
import type { CitadelConfig } from "@xebec/citadel-server";
import type { ConfigValues } from "@xebec/core-config";
import type { GalleyConfig } from "@xebec/galley-server";
import type { InjectorConfig } from "@xebec/injector-server";
import type { IstiodConfig } from "@xebec/istiod/config";
import type { PolicyConfig, TelemetryConfig } from "@xebec/mixer-server";
import type { PilotConfig } from "@xebec/pilot-xds-server";
import {
  type BusService,
  CITADEL_PORT,
  type Component,
  citadelDir,
  injectorValuesFile,
  MONITORING_PORT,
  NATS_PORT,
  replicaStateDir,
  replicasOf,
  rootFile,
  type ServiceHost,
  type ServiceName,
  type ServiceOptions,
  tokenFile,
} from "@xebec/platform-local";

type OptionsOf = {
  readonly galley: ConfigValues<typeof GalleyConfig>;
  readonly pilot: ConfigValues<typeof PilotConfig>;
  readonly citadel: ConfigValues<typeof CitadelConfig>;
  readonly "sidecar-injector": ConfigValues<typeof InjectorConfig>;
  readonly "mixer-policy": ConfigValues<typeof PolicyConfig>;
  readonly "mixer-telemetry": ConfigValues<typeof TelemetryConfig>;
};

// Only types of the services: their code has no place in this program.

/** Services have no names in DNS here: a key set that one of them serves is fetched by Envoy, which knows where it is. */
const KEY_SETS = { jwtEnableRemoteJwks: "true" } as const;

/** How each service of a mesh on this machine is configured. */
const SERVICE_OPTIONS: {
  readonly [S in ServiceName]: (host: ServiceHost, address: string, replica: number) => OptionsOf[S];
} = {
  galley: (host, address) => ({
    configPath: host.configDir,
    ...adapters(host),
    "validation-address": address,
    ...monitoring(address),
    ...bus(host, "galley"),
    ...identity(host, "galley"),
  }),
  // All copies are known to the proxies by the address of the first one.
  pilot: (host, address, replica) => ({
    grpcAddr: `${host.plan.service("pilot")}:15010`,
    secureGrpcAddr: `${host.plan.service("pilot")}:15012`,
    reusePort: replicasOf(host.replicas, "pilot").length > 1,
    httpAddr: `${address}:8080`,
    monitoringAddr: `${address}:${MONITORING_PORT}`,
    registries: ["Bus"],
    secrets: true,
    // The proxies share the cores with everything else.
    pushThrottle: 1,
    ...KEY_SETS,
    ...bus(host, "pilot"),
    ...identity(host, "pilot", replica),
  }),
  citadel: (host, address) => ({
    "self-signed-ca": true,
    "storage-dir": citadelDir(host.runDir),
    address,
    "grpc-port": CITADEL_PORT,
    ...bus(host, "citadel"),
  }),
  "sidecar-injector": (host, address) => ({
    address,
    valuesFile: injectorValuesFile(host.runDir),
    ...monitoring(address),
    ...bus(host, "sidecar-injector"),
    ...identity(host, "sidecar-injector"),
  }),
  "mixer-policy": (host, address, replica) => mixer(host, "mixer-policy", address, replica),
  "mixer-telemetry": (host, address, replica) => ({
    ...mixer(host, "mixer-telemetry", address, replica),
    prometheusAddr: `${address}:42422`,
    handlerDirs: handlerDirs(host),
  }),
};

/** The options of the services of a mesh on this machine, with the services' own types. */
export const serviceOptions: ServiceOptions = {
  service: (host, service, replica) => SERVICE_OPTIONS[service](host, host.plan.service(service, replica), replica),
  monolith: (host, replica) => monolith(host, replica),
};

function monolith(host: ServiceHost, replica: number): ConfigValues<typeof IstiodConfig> {
  const address = (service: ServiceName): string => host.plan.service(service, replica);
  const isShared = replicasOf(host.replicas, "istiod").length > 1;
  return {
    configDir: host.configDir,
    stateDir: replicaStateDir(host.runDir, "istiod", replica),
    galleyAddress: address("galley"),
    pilotAddress: address("pilot"),
    ...(isShared ? { pilotSharedAddress: host.plan.service("pilot") } : {}),
    citadelAddress: address("citadel"),
    injectorAddress: address("sidecar-injector"),
    policyAddress: address("mixer-policy"),
    telemetryAddress: address("mixer-telemetry"),
    injectorValues: injectorValuesFile(host.runDir),
    ...KEY_SETS,
    handlerDirs: handlerDirs(host),
    ...adapters(host),
    ...bus(host, "pilot", "istiod"),
  };
}

function mixer(host: ServiceHost, service: "mixer-policy" | "mixer-telemetry", address: string, replica: number) {
  return {
    address: `${address}:9091`,
    secureAddr: `${address}:15004`,
    ...adapters(host),
    ...monitoring(address),
    ...bus(host, service),
    ...identity(host, service, replica),
  };
}

/** Whoever writes an adapter sees each change at once. */
function adapters({ adapters }: ServiceHost) {
  return adapters.length > 0 ? { adapter: adapters, adapterReload: true } : {};
}

/** Where handlers may write files: nowhere else on the machine of a user. */
function handlerDirs({ runDir }: ServiceHost): readonly string[] {
  return [join(runDir, "handlers")];
}

function monitoring(address: string) {
  return { monitoringAddress: address, monitoringPort: MONITORING_PORT };
}

function bus(host: ServiceHost, service: BusService, component: Component = service) {
  return {
    busURL: [`nats://${host.busAddresses[component] ?? `${host.plan.nats}:${NATS_PORT}`}`],
    busSeedFile: host.busKeys.seedFile(service),
    busKeysFile: host.busKeys.publicKeysFile,
    busCAFile: host.busKeys.caFile,
  };
}

function identity(host: ServiceHost, service: ServiceName, replica = 1) {
  return {
    caAddr: `${host.plan.service("citadel")}:${CITADEL_PORT}`,
    caRootFile: rootFile(host.runDir),
    caTokenFile: tokenFile(host.runDir, service),
    stateDir: replicaStateDir(host.runDir, service, replica),
  };
}
