import { join } from "node:path";
import { RUN_MARK } from "@xebec/platform-process";
import { type AddressPlan, SERVICES, type ServiceName } from "./address-plan.ts";
import { appEntry, NODE_ENVIRONMENT, SERVICE_NODE_FLAGS } from "./images.ts";
import type { UnitSpec } from "./unit.ts";

/** A service that signs in to the bus. */
type BusService = Exclude<ServiceName, "sidecar-injector">;

/** What the service processes need to know of their mesh. */
export interface ServiceHost {
  readonly plan: AddressPlan;
  readonly root: string;
  readonly runDir: string;
  readonly runId: string;
  readonly configDir: string;
  readonly natsServer: string;
  readonly baseEnv: Readonly<Record<string, string>>;
  readonly busKeys: { seedFile(user: BusService): string; readonly publicKeysFile: string };
}

export const NATS_PORT = 4222;
/** Where nats-server tells of itself. */
export const MONITORING_PORT = 15014;
const CITADEL_PORT = 8060;

/** Service accounts of the control plane, as Istio 1.1's charts name them. */
export const SERVICE_ACCOUNTS: Readonly<Record<ServiceName, string>> = {
  galley: "istio-galley-service-account",
  pilot: "istio-pilot-service-account",
  citadel: "istio-citadel-service-account",
  "sidecar-injector": "istio-sidecar-injector-service-account",
  "mixer-policy": "istio-mixer-service-account",
  "mixer-telemetry": "istio-mixer-service-account",
};

/** Where citadel keeps its root: the file that everybody trusts. */
export function citadelDir(runDir: string): string {
  return join(runDir, "state", "citadel");
}

export function rootFile(runDir: string): string {
  return join(citadelDir(runDir), "root-cert.pem");
}

export function tokenFile(runDir: string, service: ServiceName): string {
  return join(runDir, "tokens", `${service}.jwt`);
}

export function injectorValuesFile(runDir: string): string {
  return join(runDir, "injector", "values.json");
}

/** nats-server as a process. */
export function natsUnit(host: ServiceHost): UnitSpec {
  return {
    name: "service/nats",
    command: [host.natsServer, "-c", join(host.runDir, "nats", "nats.conf")],
    env: { ...host.baseEnv, [RUN_MARK]: host.runId },
    cwd: host.runDir,
    logFile: join(host.runDir, "logs", "nats.log"),
  };
}

/** The six services as processes of their own. */
export function serviceUnits(host: ServiceHost): UnitSpec[] {
  return SERVICES.map((service) =>
    unit(host, service, `apps/${service}`, [...ownFlags(host, service), ...commonFlags(host, service)]),
  );
}

/** All services in one process, with the addresses of the six. */
export function monolithUnit(host: ServiceHost): UnitSpec {
  const address = (service: ServiceName): string => host.plan.service(service);
  return unit(host, "istiod", "apps/istiod", [
    "--configDir",
    host.configDir,
    "--stateDir",
    join(host.runDir, "state"),
    "--galleyAddress",
    address("galley"),
    "--pilotAddress",
    address("pilot"),
    "--citadelAddress",
    address("citadel"),
    "--injectorAddress",
    address("sidecar-injector"),
    "--policyAddress",
    address("mixer-policy"),
    "--telemetryAddress",
    address("mixer-telemetry"),
    "--injectorValues",
    injectorValuesFile(host.runDir),
    ...handlerFlags(host),
    ...busFlags(host, "pilot"),
  ]);
}

function unit(host: ServiceHost, name: string, app: string, flags: readonly string[]): UnitSpec {
  return {
    name: `service/${name}`,
    command: [process.execPath, ...SERVICE_NODE_FLAGS, appEntry(host.root, app), ...flags],
    env: { ...host.baseEnv, ...NODE_ENVIRONMENT, [RUN_MARK]: host.runId },
    cwd: host.runDir,
    logFile: join(host.runDir, "logs", `${name}.log`),
  };
}

/** Where handlers may write files: nowhere else on the machine of a user. */
function handlerFlags({ runDir }: ServiceHost): string[] {
  return ["--handlerDirs", join(runDir, "handlers")];
}

function busFlags(host: ServiceHost, service: BusService): string[] {
  return [
    "--busURL",
    `nats://${host.plan.nats}:${NATS_PORT}`,
    "--busSeedFile",
    host.busKeys.seedFile(service),
    "--busKeysFile",
    host.busKeys.publicKeysFile,
  ];
}

function commonFlags(host: ServiceHost, service: ServiceName): string[] {
  if (service === "citadel") return busFlags(host, service);
  return [
    // The injector has no part in the bus: its configuration is files.
    ...(service === "sidecar-injector" ? [] : busFlags(host, service)),
    "--caAddr",
    `${host.plan.service("citadel")}:${CITADEL_PORT}`,
    "--caRootFile",
    rootFile(host.runDir),
    "--caTokenFile",
    tokenFile(host.runDir, service),
    "--stateDir",
    join(host.runDir, "state", service),
  ];
}

function ownFlags(host: ServiceHost, service: ServiceName): string[] {
  const own = host.plan.service(service);
  const monitoring = ["--monitoringAddress", own, "--monitoringPort", String(MONITORING_PORT)];
  switch (service) {
    case "galley":
      return ["--configPath", host.configDir, "--validation-address", own, ...monitoring];
    case "pilot":
      return [
        "--grpcAddr",
        `${own}:15010`,
        "--secureGrpcAddr",
        `${own}:15012`,
        "--httpAddr",
        `${own}:8080`,
        "--monitoringAddr",
        `${own}:${MONITORING_PORT}`,
        "--registries",
        "Bus",
      ];
    case "citadel":
      return [
        "--self-signed-ca",
        "--storage-dir",
        citadelDir(host.runDir),
        "--address",
        own,
        "--grpc-port",
        String(CITADEL_PORT),
      ];
    case "sidecar-injector":
      return ["--address", own, "--valuesFile", injectorValuesFile(host.runDir), ...monitoring];
    case "mixer-policy":
    case "mixer-telemetry":
      return [
        "--address",
        `${own}:9091`,
        "--secureAddr",
        `${own}:15004`,
        ...(service === "mixer-telemetry" ? ["--prometheusAddr", `${own}:42422`, ...handlerFlags(host)] : []),
        ...monitoring,
      ];
  }
}
