import type { Condition, ContainerStatus, Pod, PodStatus } from "../api/types.ts";
import type { ContainerWorker } from "./container-worker.ts";
import { time } from "./container-worker.ts";

/** What is known of a pod that runs here. */
export interface PodState {
  readonly pod: Pod;
  readonly ip: string;
  readonly nodeIp: string;
  readonly startTime: Date;
  readonly networkReady: boolean;
  readonly initialized: boolean;
  /** Containers that run once before the others, and those that keep running beside them, in their order. */
  readonly inits: readonly ContainerWorker[];
  readonly isSidecar: (worker: ContainerWorker) => boolean;
  readonly apps: readonly ContainerWorker[];
  /** Why the pod has failed as a whole: DeadlineExceeded. */
  readonly failure?: { readonly reason: string; readonly message: string };
  /** Its end was asked for. */
  readonly ending: boolean;
  /** Nothing of it runs any more. */
  readonly over: boolean;
}

/** The status as kubelet writes it. */
export function podStatus(state: PodState): PodStatus & Record<string, unknown> {
  const { pod, ip, nodeIp, inits, apps, failure } = state;
  const phase = phaseOf(state);
  const isOver = phase === "Succeeded" || phase === "Failed";
  const sidecars = inits.filter(state.isSidecar);
  const containersReady = state.initialized && !isOver && [...apps, ...sidecars].every((each) => each.ready);
  const notReady = [...sidecars, ...apps].filter((each) => !each.ready).map(({ container }) => container.name);
  const gates = pod.spec.readinessGates ?? [];
  const gatesOpen = gates.every(({ conditionType }) =>
    pod.status?.conditions?.some(({ type, status }) => type === conditionType && status === "True"),
  );
  const reason = isOver ? { reason: phase === "Succeeded" ? "PodCompleted" : "PodFailed" } : undefined;
  const unready = reason ?? {
    reason: "ContainersNotReady",
    message: `containers with unready status: [${notReady.join(" ")}]`,
  };
  const conditions = [
    condition(pod, "PodReadyToStartContainers", state.networkReady && !state.over, {}),
    condition(
      pod,
      "Initialized",
      state.initialized,
      state.initialized
        ? (reason ?? {})
        : {
            reason: "ContainersNotInitialized",
            message: `containers with incomplete status: [${inits
              .filter((each) => !(state.isSidecar(each) ? each.started : each.done && each.exitCode === 0))
              .map(({ container }) => container.name)
              .join(" ")}]`,
          },
    ),
    condition(
      pod,
      "Ready",
      containersReady && gatesOpen,
      containersReady
        ? gatesOpen
          ? {}
          : {
              reason: "ReadinessGatesNotReady",
              message: "corresponding condition of pod readiness gate does not exist",
            }
        : unready,
    ),
    condition(pod, "ContainersReady", containersReady, containersReady ? {} : unready),
  ];
  const statuses = (workers: readonly ContainerWorker[]): ContainerStatus[] => workers.map(({ status }) => status);
  return {
    phase,
    conditions,
    hostIP: nodeIp,
    // A merge would keep an address that it had before.
    hostIPs: [{ $patch: "replace" }, { ip: nodeIp }],
    ...(ip ? { podIP: ip, podIPs: [{ $patch: "replace" }, { ip }] } : {}),
    startTime: time(state.startTime),
    containerStatuses: statuses(apps),
    ...(inits.length > 0 ? { initContainerStatuses: statuses(inits) } : {}),
    observedGeneration: pod.metadata.generation,
    ...(failure ?? {}),
  } as PodStatus & Record<string, unknown>;
}

function phaseOf({ pod, initialized, apps, inits, isSidecar, failure, over }: PodState): PodStatus["phase"] {
  if (failure) return "Failed";
  const { restartPolicy = "Always" } = pod.spec;
  const failedInit = inits.some((each) => !isSidecar(each) && each.done && each.exitCode !== 0);
  if (failedInit) return "Failed";
  if (!initialized) return over ? "Failed" : "Pending";
  const finished = apps.every((each) => each.done || (over && each.exitCode !== undefined));
  if (finished && (restartPolicy !== "Always" || over))
    return apps.every(({ exitCode }) => exitCode === 0) ? "Succeeded" : "Failed";
  return apps.some((each) => each.wasStarted) ? "Running" : "Pending";
}

function condition(
  pod: Pod,
  type: string,
  holds: boolean,
  why: { readonly reason?: string; readonly message?: string },
): Condition {
  const status = holds ? "True" : "False";
  const before = pod.status?.conditions?.find((each) => each.type === type);
  return {
    type,
    status,
    lastProbeTime: null,
    lastTransitionTime:
      before?.status === status && before.lastTransitionTime ? before.lastTransitionTime : time(new Date()),
    ...(pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
    // null takes away what a merge would keep.
    reason: why.reason ?? (null as unknown as string),
    message: why.message ?? (null as unknown as string),
  };
}
