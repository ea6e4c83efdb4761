import { protocolByName } from "@xebec/model-names";
import type { SidecarIngress } from "@xebec/model-resources";
import type { Sidecar } from "@xebec/pilot-snapshot";
import type { IngressEndpoint, NamedTarget } from "./service-target.ts";

/** In place of an address: the one of the proxy's pod. */
export const AT_POD = "pod";

/**
 * What workloads serve by their Sidecar (docs/reference/pilot.md §3.5): the listeners of its ingress, each with the service that it
 * serves, else what they serve without it; with the Sidecar's limits of connections.
 * @param namespace of the workloads
 * @param targets what they serve without a Sidecar
 */
export function sidecarTargets(
  sidecar: Sidecar,
  namespace: string,
  targets: readonly NamedTarget[],
): readonly NamedTarget[] {
  const { ingress = [], inboundConnectionPool } = sidecar.spec;
  if (ingress.length === 0)
    return inboundConnectionPool
      ? targets.map((each) => ({ ...each, connectionPool: inboundConnectionPool }))
      : targets;
  return ingress.map((each): NamedTarget => {
    const { number, name = "", protocol } = each.port;
    const service = targets.find(({ targetPort }) => targetPort === number);
    const connectionPool = each.connectionPool ?? inboundConnectionPool;
    return {
      host: service?.host ?? `${sidecar.name}.${namespace}`,
      serviceName: service?.serviceName ?? sidecar.name,
      serviceNamespace: service?.serviceNamespace ?? namespace,
      portName: name || (service?.portName ?? ""),
      servicePort: service?.servicePort ?? number,
      protocol: protocolByName(protocol) ?? "TCP",
      targetPort: number,
      ...(connectionPool ? { connectionPool } : {}),
      ingress: listenerOf(each, sidecar.key),
    };
  });
}

function listenerOf({ bind, captureMode, defaultEndpoint, tls }: SidecarIngress, configKey: string) {
  const endpoint = defaultEndpoint ? endpointOf(defaultEndpoint) : undefined;
  return {
    configKey,
    bound: captureMode === "NONE",
    ...(bind ? { bind } : {}),
    ...(tls ? { tls } : {}),
    ...(endpoint ? { endpoint } : {}),
  };
}

function endpointOf(text: string): IngressEndpoint {
  if (text.startsWith("unix://")) return { path: text.slice("unix://".length) };
  const colon = text.lastIndexOf(":");
  const address = text.slice(0, colon).replace(/^\[|\]$/g, "") || "127.0.0.1";
  return { address: address === "0.0.0.0" || address === "::" ? AT_POD : address, port: Number(text.slice(colon + 1)) };
}
