import type { NatsHealth } from "@xebec/platform-bus";
import { type AddressPlan, SERVICES } from "./address-plan.ts";
import type { Diagnostic } from "./cluster-objects.ts";
import type { ManagedProcess } from "./managed-process.ts";
import type { PodRunner } from "./pod-runner.ts";
import { foreignHolder, serviceMissing } from "./readiness.ts";
import { replicaOf } from "./replicas.ts";
import { MONITORING_PORT, NATS_PORT } from "./services.ts";

export interface ProcessStatus {
  readonly name: string;
  readonly kind: "service" | "pod";
  readonly addresses: readonly string[];
  readonly pid: number | undefined;
  readonly ready: boolean;
  readonly restarts: number;
  readonly log: string;
  /** Why it is not ready, when that is known. */
  readonly problem: string;
}

export interface MeshStatus {
  readonly runId: string;
  readonly configDir: string;
  readonly runDir: string;
  readonly ingress: string;
  /** Where servers of Gateways on port 443 are reached. */
  readonly secureIngress: string;
  readonly monolith: boolean;
  readonly supervisor: number;
  readonly processes: readonly ProcessStatus[];
  readonly problems: readonly Diagnostic[];
  /** Kinds that do not run here, and fields that are unknown or have no effect; the rest is applied. */
  readonly unsupported: readonly Diagnostic[];
  /** What the supervisor itself still waits for. */
  readonly missing: readonly string[];
}

/** What runs of a service, and whether it says that it is ready. @param natsHealth checks nats-server */
export async function serviceStatus(
  managed: ManagedProcess,
  plan: AddressPlan,
  natsHealth: Pick<NatsHealth, "error"> | undefined,
): Promise<ProcessStatus> {
  const name = managed.spec.name.replace("service/", "");
  const { component, replica } = replicaOf(name) ?? {};
  const host = component ? plan.service(component === "istiod" ? "pilot" : component, replica) : plan.nats;
  const port = name === "nats" ? NATS_PORT : MONITORING_PORT;
  const answer =
    name === "nats"
      ? [(await natsHealth?.error()) ?? ""].filter(Boolean)
      : ((await serviceMissing(host, port)) ?? [`it does not answer at ${host}:${port} yet`]);
  const foreign = managed.id && answer.length === 0 ? foreignHolder(managed, host, port) : "";
  const missing = foreign ? [foreign] : answer;
  return {
    name,
    kind: "service",
    addresses:
      component === "istiod"
        ? SERVICES.map((each) => plan.service(each, replica))
        : [name === "nats" ? `${host}:${NATS_PORT}` : host],
    pid: managed.id?.pid,
    ready: missing.length === 0 && managed.id !== undefined,
    restarts: managed.restarts,
    log: managed.spec.logFile,
    problem: managed.id ? missing.join("; ") : managed.problem || "not running",
  };
}

/** What runs of a pod. */
export function podStatus(pod: PodRunner): ProcessStatus {
  const proxy = pod.processes.find((managed) => managed.spec.name.endsWith("/istio-proxy"));
  const main = pod.processes.find((managed) => managed !== proxy) ?? proxy;
  return {
    name: `${pod.state.namespace}/${pod.state.name}`,
    kind: "pod",
    addresses: [pod.ip, pod.appIp],
    pid: main?.id?.pid,
    ready: pod.ready,
    restarts: pod.processes.reduce((sum, managed) => sum + managed.restarts, 0),
    log: main?.spec.logFile ?? "",
    problem: pod.problem || (pod.processes.find((managed) => managed.problem)?.problem ?? ""),
  };
}
