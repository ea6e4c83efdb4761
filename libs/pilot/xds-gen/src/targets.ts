import { labelsMatch } from "@xebec/model-names";
import { dependency } from "@xebec/pilot-snapshot";
import type { GenerationContext } from "./context.ts";
import type { MeshProxy, ServiceTarget } from "./proxy.ts";

/** The ports of services that a proxy's own workload serves: services of its namespace that select its labels, oldest first. */
export function serviceTargets(context: GenerationContext, proxy: MeshProxy): readonly ServiceTarget[] {
  const targets: ServiceTarget[] = [];
  for (const service of context.services()) {
    if (!service.selector || service.namespace !== proxy.namespace || !labelsMatch(service.selector, proxy.labels))
      continue;
    for (const port of service.ports) {
      if (port.protocol === "UDP") continue;
      const targetPort =
        typeof port.targetPort === "number" ? port.targetPort : namedPort(context, proxy, port.targetPort);
      if (targetPort === undefined) continue;
      targets.push({
        host: service.host,
        serviceName: service.name,
        serviceNamespace: service.namespace,
        portName: port.name,
        servicePort: port.number,
        targetPort,
      });
    }
  }
  return targets;
}

function namedPort(context: GenerationContext, proxy: MeshProxy, name: string): number | undefined {
  context.dependencies.add(dependency.pods);
  const pod =
    context.snapshot.pods.get(`${proxy.namespace}/${proxy.pod}`) ?? context.snapshot.podsByIp.get(proxy.ip)?.[0];
  return pod?.ports.find((port) => port.name === name)?.containerPort;
}
