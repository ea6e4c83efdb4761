import { labelsMatch, type PortProtocol } from "@xebec/model-names";
import { type Keyed, keyed } from "./keyed.ts";
import type { MeshProxy, PodFields, ProxyBinding, WorkloadFields } from "./proxy.ts";
import type { Scope } from "./scope.ts";

/** A port of a service that a proxy's own workload serves (Istio's ServiceTarget). */
export interface ServiceTarget {
  readonly host: string;
  readonly serviceName: string;
  readonly serviceNamespace: string;
  readonly portName: string;
  readonly servicePort: number;
  readonly protocol: PortProtocol;
  readonly targetPort: number;
}

/**
 * What builders see of a proxy when they make what is its own: listeners and clusters of what it serves. Proxies of a class with
 * equal workloads share that, too.
 */
export type Workload = Keyed<{
  readonly binding: ProxyBinding;
  /** The ports that it serves. */
  readonly targets: readonly ServiceTarget[];
}>;

/** A target whose port may still be the name of a container's port. */
type NamedTarget = Omit<ServiceTarget, "targetPort"> & { readonly targetPort: number | string };

/** The workload of a proxy. */
export function workloadOf(scope: Scope, proxy: MeshProxy): Workload {
  return (
    scope.cachedFor("workload", proxy.workload, workloadWithNumbers) ??
    // Pods of one workload may differ in what a port's name means, for example while it is rolled out.
    scope.cachedFor("workload/pod", proxy.podWorkload, workloadOfPod)
  );
}

/** @returns undefined where a port is known by its name */
function workloadWithNumbers(scope: Scope, { labels, binding }: WorkloadFields): Workload | undefined {
  const targets = scope.cachedFor("served", keyed({ labels }), serviceTargets);
  return areNumbers(targets) ? keyed({ binding, targets }) : undefined;
}

/** Finds the numbers of named ports in the pod; a name that it has not is left out. */
function workloadOfPod(scope: Scope, { labels, binding, pod }: PodFields): Workload {
  const targets = scope.cachedFor("served", keyed({ labels }), serviceTargets).flatMap((each): ServiceTarget[] => {
    const { targetPort: given } = each;
    const targetPort = typeof given === "number" ? given : scope.containerPort(pod, given);
    return targetPort === undefined ? [] : [{ ...each, targetPort }];
  });
  return keyed({ binding, targets });
}

/**
 * The ports of services that workloads with these labels serve: services of their namespace that select them, oldest first. To
 * whom a service is exported has no say: the workload serves it all the same.
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

/** True when no port is a name, so that all pods of the workload have the same. */
function areNumbers(targets: readonly NamedTarget[]): targets is readonly ServiceTarget[] {
  return targets.every((each) => typeof each.targetPort === "number");
}
