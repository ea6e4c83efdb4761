import { labelsMatch } from "@xebec/model-names";
import { dependency } from "@xebec/pilot-snapshot";
import type { GenerationContext } from "./context.ts";
import type { MeshProxy, ServiceTarget } from "./proxy.ts";

/** A target whose port may still be the name of a container's port. */
export type NamedTarget = Omit<ServiceTarget, "targetPort"> & { readonly targetPort: number | string };

/**
 * The ports of services that workloads with a proxy's labels serve: services of its namespace that select them, oldest first.
 * It is the same for all pods of a workload. To whom a service is exported has no say: the workload serves it all the same.
 */
export function serviceTargets(context: GenerationContext, proxy: MeshProxy): readonly NamedTarget[] {
  const targets: NamedTarget[] = [];
  for (const service of context.servicesOf(proxy.namespace)) {
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
  context: GenerationContext,
  proxy: MeshProxy,
  targets: readonly NamedTarget[],
): readonly ServiceTarget[] {
  return targets.flatMap((each) => {
    const targetPort =
      typeof each.targetPort === "number" ? each.targetPort : namedPort(context, proxy, each.targetPort);
    return targetPort === undefined ? [] : [{ ...each, targetPort }];
  });
}

function namedPort(context: GenerationContext, proxy: MeshProxy, name: string): number | undefined {
  context.dependencies.add(dependency.pods);
  const pod =
    context.snapshot.pods.get(`${proxy.namespace}/${proxy.pod}`) ?? context.snapshot.podsByIp.get(proxy.ip)?.[0];
  return pod?.ports.find((port) => port.name === name)?.containerPort;
}
