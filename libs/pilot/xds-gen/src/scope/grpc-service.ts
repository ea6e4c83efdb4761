import { parseCluster } from "@xebec/model-names";
import type { MeshPort, MeshService } from "@xebec/pilot-registry";
import type { Scope } from "./scope.ts";

/** A port of a service that gRPC's own clients may call. */
export interface GrpcTarget {
  readonly service: MeshService;
  readonly port: MeshPort;
}

const HOST_PORT = /^(.+):(\d{1,5})$/;

/**
 * What a client means by `xds:///HOST:PORT`. The host may be short, as in DNS; without a port it is the service's only one.
 * @returns undefined when there is no such service within its reach
 */
export function grpcTarget(scope: Scope, name: string): GrpcTarget | undefined {
  const [, host = name, port] = HOST_PORT.exec(name) ?? [];
  const { namespace } = scope.proxyClass;
  const { domain } = scope.mesh;
  for (const each of [host, `${host}.${namespace}.svc.${domain}`, `${host}.svc.${domain}`, `${host}.${domain}`]) {
    const service = reachable(scope, each);
    if (!service) continue;
    const ports = service.ports.filter(({ protocol }) => protocol !== "UDP");
    const found =
      port === undefined && ports.length === 1 ? ports[0] : ports.find(({ number }) => number === Number(port));
    return found && { service, port: found };
  }
  return undefined;
}

/** The service and subset of a cluster's name, `outbound|PORT|SUBSET|HOST`. */
export function grpcTargetOf(scope: Scope, cluster: string): (GrpcTarget & { readonly subset: string }) | undefined {
  const { direction, host = "", port, subset = "" } = parseCluster(cluster) ?? {};
  const service = direction === "outbound" ? reachable(scope, host) : undefined;
  const found = service?.ports.find(({ number, protocol }) => number === port && protocol !== "UDP");
  return service && found && { service, port: found, subset };
}

function reachable(scope: Scope, host: string): MeshService | undefined {
  const service = scope.service(host);
  return service && (!scope.sidecar || scope.services().includes(service)) ? service : undefined;
}
