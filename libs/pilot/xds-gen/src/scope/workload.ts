import { labelsMatch } from "@xebec/model-names";
import { mergedTracing } from "../filter/telemetry/merged-tracing.ts";
import { type Keyed, keyed } from "./keyed.ts";
import type { MeshProxy, PodFields, ProxyBinding, WorkloadFields } from "./proxy.ts";
import type { Scope } from "./scope.ts";
import type { NamedTarget, ServiceTarget } from "./service-target.ts";
import { AT_POD, sidecarTargets } from "./sidecar-targets.ts";
import type { TraceNode } from "./trace-node.ts";

export type { ServiceTarget } from "./service-target.ts";

/**
 * What builders know about a proxy when they build its own listeners and clusters. Proxies of a class with equal workloads share these,
 * too.
 */
export type Workload = Keyed<{
  readonly binding: ProxyBinding;
  /** The served ports. */
  readonly targets: readonly ServiceTarget[];
  /** What spans say of the proxy; absent where no request is traced, so that proxies share more. */
  readonly trace?: TraceNode;
}>;

/** The workload of a proxy. */
export function workloadOf(scope: Scope, proxy: MeshProxy): Workload {
  return (
    scope.cachedFor("workload", proxy.workload, workloadWithNumbers) ??
    // The number of a named port may differ between pods of one workload, for example during a rollout.
    scope.cachedFor("workload/pod", proxy.podWorkload, workloadOfPod)
  );
}

/** @returns undefined when a target port is a name */
function workloadWithNumbers(scope: Scope, { labels, binding, trace }: WorkloadFields): Workload | undefined {
  const targets = scope.cachedFor("served", keyed({ labels }), servedTargets);
  return areNumbers(targets) && !targets.some(isAtPod)
    ? keyed({ binding, targets, ...traced(scope, trace) })
    : undefined;
}

/** Resolves named ports in the pod. Ports that the pod does not have are omitted. */
function workloadOfPod(scope: Scope, { labels, binding, pod, trace }: PodFields): Workload {
  const targets = scope.cachedFor("served", keyed({ labels }), servedTargets).flatMap((each): ServiceTarget[] => {
    const { targetPort: given, ingress } = each;
    const targetPort = typeof given === "number" ? given : scope.containerPort(pod, given);
    if (targetPort === undefined) return [];
    if (!ingress?.endpoint || !isAtPod(each)) return [{ ...each, targetPort }];
    return [{ ...each, targetPort, ingress: { ...ingress, endpoint: { ...ingress.endpoint, address: pod.ip } } }];
  });
  return keyed({ binding, targets, ...traced(scope, trace) });
}

function traced(scope: Scope, trace: TraceNode): Pick<Workload, "trace"> {
  return mergedTracing(scope, "CLIENT") || mergedTracing(scope, "SERVER") ? { trace } : {};
}

/** What workloads with these labels serve: what their Sidecar's ingress says, else the ports of their services. */
function servedTargets(scope: Scope, labels: Pick<WorkloadFields, "labels">): readonly NamedTarget[] {
  const targets = serviceTargets(scope, labels);
  const { sidecar } = scope;
  return sidecar ? sidecarTargets(sidecar, scope.proxyClass.namespace, targets) : targets;
}

/**
 * The service ports that workloads with these labels serve: those of the services of their namespace that select them, oldest first,
 * whatever the services' `exportTo` is.
 */
function serviceTargets(scope: Scope, { labels }: Pick<WorkloadFields, "labels">): readonly NamedTarget[] {
  const targets: NamedTarget[] = [];
  for (const service of scope.ownServices()) {
    if (!service.selector || !labelsMatch(service.selector, labels)) continue;
    for (const port of service.ports) {
      if (port.protocol === "UDP") continue;
      targets.push({
        host: service.host,
        serviceName: service.name,
        serviceNamespace: service.namespace,
        portName: port.name,
        servicePort: port.number,
        protocol: port.protocol,
        targetPort: port.targetPort,
      });
    }
  }
  return targets;
}

function isAtPod({ ingress }: NamedTarget): boolean {
  return ingress?.endpoint !== undefined && "address" in ingress.endpoint && ingress.endpoint.address === AT_POD;
}

/** True when no port is a name, so that all pods of the workload have the same ports. */
function areNumbers(targets: readonly NamedTarget[]): targets is readonly ServiceTarget[] {
  return targets.every((each) => typeof each.targetPort === "number");
}
