import type { NatsHealth } from "@xebec/platform-bus";
import { type AddressPlan, SERVICES, type ServiceName } from "./address-plan.ts";
import type { Diagnostic } from "./cluster-objects.ts";
import type { PodRunner } from "./pod-runner.ts";
import { foreignHolder, serviceMissing } from "./readiness.ts";
import { MONITORING_PORT, NATS_PORT } from "./services.ts";
import type { Unit } from "./unit.ts";

export interface UnitStatus {
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
  readonly monolith: boolean;
  readonly supervisor: number;
  readonly units: readonly UnitStatus[];
  readonly problems: readonly Diagnostic[];
  /** What of the manifests has no meaning here; the rest is taken. */
  readonly leftOut: readonly Diagnostic[];
  /** What the supervisor itself still waits for. */
  readonly missing: readonly string[];
}

/** What runs of a service, and whether it says that it is ready. @param natsHealth tells it of nats-server */
export async function serviceStatus(
  unit: Unit,
  plan: AddressPlan,
  natsHealth: Pick<NatsHealth, "error"> | undefined,
): Promise<UnitStatus> {
  const name = unit.spec.name.replace("service/", "");
  const host = name === "nats" ? plan.nats : plan.service(name === "istiod" ? "pilot" : (name as ServiceName));
  const port = name === "nats" ? NATS_PORT : MONITORING_PORT;
  const answer =
    name === "nats"
      ? [(await natsHealth?.error()) ?? ""].filter(Boolean)
      : ((await serviceMissing(host, port)) ?? [`it does not answer at ${host}:${port} yet`]);
  const foreign = unit.id && answer.length === 0 ? foreignHolder(unit, host, port) : "";
  const missing = foreign ? [foreign] : answer;
  return {
    name,
    kind: "service",
    addresses:
      name === "istiod"
        ? SERVICES.map((each) => plan.service(each))
        : [name === "nats" ? `${host}:${NATS_PORT}` : host],
    pid: unit.id?.pid,
    ready: missing.length === 0 && unit.id !== undefined,
    restarts: unit.restarts,
    log: unit.spec.logFile,
    problem: unit.id ? missing.join("; ") : unit.problem || "not running",
  };
}

/** What runs of a pod. */
export function podStatus(pod: PodRunner): UnitStatus {
  const proxy = pod.units.find((unit) => unit.spec.name.endsWith("/istio-proxy"));
  const main = pod.units.find((unit) => unit !== proxy) ?? proxy;
  return {
    name: `${pod.state.namespace}/${pod.state.name}`,
    kind: "pod",
    addresses: [pod.ip, pod.appIp],
    pid: main?.id?.pid,
    ready: pod.ready,
    restarts: pod.units.reduce((sum, unit) => sum + unit.restarts, 0),
    log: main?.spec.logFile ?? "",
    problem: pod.problem || (pod.units.find((unit) => unit.problem)?.problem ?? ""),
  };
}
