import { existsSync } from "node:fs";
import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { configArguments } from "@xebec/core-config";
import { RUN_ID_ENV } from "@xebec/platform-process";
import { type AddressPlan, SERVICES, type ServiceName } from "./address-plan.ts";
import { appEntry, NODE_ENVIRONMENT, SERVICE_NODE_FLAGS } from "./images.ts";
import type { ProcessSpec } from "./process-spec.ts";
import { type Component, type ReplicaCounts, replicaName, replicaOf, replicasOf } from "./replicas.ts";

/** A service that signs in to the bus. */
export type BusService = ServiceName;

/** What the service processes need to know of their mesh. */
export interface ServiceHost {
  readonly plan: AddressPlan;
  readonly root: string;
  readonly runDir: string;
  readonly runId: string;
  readonly configDir: string;
  /** Folders of Mixer's adapters from outside. */
  readonly adapters: readonly string[];
  readonly replicas: ReplicaCounts;
  /** Where components find the bus, HOST:PORT, that do not go to nats-server itself. */
  readonly busAddresses: Readonly<Partial<Record<Component, string>>>;
  readonly natsServer: string;
  readonly baseEnv: Readonly<Record<string, string>>;
  readonly busKeys: {
    seedFile(user: BusService): string;
    readonly publicKeysFile: string;
    readonly caFile?: string | undefined;
  };
}

export const NATS_PORT = 4222;
/** Where nats-server serves its monitoring pages. */
export const MONITORING_PORT = 15014;
export const CITADEL_PORT = 8060;

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
export function natsProcess(host: ServiceHost): ProcessSpec {
  return {
    name: "service/nats",
    command: [host.natsServer, "-c", join(host.runDir, "nats", "nats.conf")],
    env: { ...host.baseEnv, [RUN_ID_ENV]: host.runId },
    cwd: host.runDir,
    logFile: join(host.runDir, "logs", "nats.log"),
  };
}

/**
 * The options of the service processes, by their names. The application declares them, since it knows the services' own types; the
 * processes read them as arguments (`configArguments`).
 */
export interface ServiceOptions {
  /** Of a service that runs as a process of its own. @param replica which copy, from 1 */
  service(host: ServiceHost, service: ServiceName, replica: number): Readonly<Record<string, unknown>>;
  /** Of the one process that has all services. @param replica which copy, from 1 */
  monolith(host: ServiceHost, replica: number): Readonly<Record<string, unknown>>;
}

/** The directory of what a copy of a component keeps. */
export function replicaStateDir(runDir: string, component: Component, replica: number): string {
  if (component === "istiod" && replica === 1) return join(runDir, "state");
  return join(runDir, "state", replicaName(component, replica));
}

/** The six services as processes of their own. */
export function serviceProcesses(host: ServiceHost, options: ServiceOptions): ProcessSpec[] {
  return SERVICES.flatMap((service) =>
    replicasOf(host.replicas, service).map((replica) =>
      serviceProcess(host, service, replica, options.service(host, service, replica)),
    ),
  );
}

/** All services in one process, with the addresses of the six. */
export function monolithProcesses(host: ServiceHost, options: ServiceOptions): ProcessSpec[] {
  return replicasOf(host.replicas, "istiod").map((replica) =>
    serviceProcess(host, "istiod", replica, options.monolith(host, replica)),
  );
}

function serviceProcess(
  host: ServiceHost,
  component: Component,
  replica: number,
  options: Readonly<Record<string, unknown>>,
): ProcessSpec {
  const name = replicaName(component, replica);
  const app = appEntry(host.root, `apps/${component}`);
  return {
    name: `service/${name}`,
    command: [process.execPath, ...SERVICE_NODE_FLAGS, app, ...configArguments(options)],
    // Copies tell each other apart by the name that a pod would have.
    env: { ...host.baseEnv, ...NODE_ENVIRONMENT, [RUN_ID_ENV]: host.runId, POD_NAME: name },
    cwd: host.runDir,
    logFile: join(host.runDir, "logs", `${name}.log`),
  };
}

/** Copies of the monolith have caches and keys of their own, and one root: citadel's directory leads to that of the first one. */
export async function shareRoot(runDir: string, counts: ReplicaCounts): Promise<void> {
  for (const replica of replicasOf(counts, "istiod").slice(1)) {
    const folder = replicaStateDir(runDir, "istiod", replica);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await symlink(citadelDir(runDir), join(folder, "citadel")).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
  }
}

/** Whether a process is a further copy of the monolith, and the first one has made no root yet. */
export function waitsForRoot({ name }: ProcessSpec, runDir: string): boolean {
  const { component, replica } = replicaOf(name.replace("service/", "")) ?? {};
  return component === "istiod" && replica !== 1 && !existsSync(rootFile(runDir));
}
