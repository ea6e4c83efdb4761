import { labelsMatch } from "@xebec/model-names";
import type { MeshProxy, ServiceTarget } from "./proxy.ts";
import type { Scope } from "./scope.ts";

/** A target whose port may still be the name of a container's port. */
export type NamedTarget = Omit<ServiceTarget, "targetPort"> & { readonly targetPort: number | string };

/**
 * The ports of services that workloads with a proxy's labels serve: services of its namespace that select them, oldest first.
 * It is the same for all pods of a workload. To whom a service is exported has no say: the workload serves it all the same.
 */
export function serviceTargets(scope: Scope, proxy: MeshProxy): readonly NamedTarget[] {
  const targets: NamedTarget[] = [];
  for (const service of scope.ownServices()) {
    if (!service.selector || !labelsMatch(service.selector, proxy.labels)) continue;
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
export function areNumbers(targets: readonly NamedTarget[]): targets is readonly ServiceTarget[] {
  return targets.every((each) => typeof each.targetPort === "number");
}

/** Finds the numbers of named ports in the proxy's own pod; a name that it has not is left out. */
export function resolveTargets(
  scope: Scope,
  proxy: MeshProxy,
  targets: readonly NamedTarget[],
): readonly ServiceTarget[] {
  return targets.flatMap((each) => {
    const targetPort = typeof each.targetPort === "number" ? each.targetPort : namedPort(scope, proxy, each.targetPort);
    return targetPort === undefined ? [] : [{ ...each, targetPort }];
  });
}

function namedPort(scope: Scope, proxy: MeshProxy, name: string): number | undefined {
  return scope.containerPort({ name: proxy.pod, ip: proxy.ip }, name);
}
