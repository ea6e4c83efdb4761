import { isHttp, protocolByName } from "@xebec/model-names";
import type { GatewayServer } from "@xebec/model-resources";
import type { Gateway } from "@xebec/pilot-snapshot";
import type { Scope } from "../../scope/scope.ts";
import type { ServiceTarget } from "../../scope/workload.ts";

/** A server, and the Gateway that it belongs to. */
export interface BoundServer {
  readonly gateway: Gateway;
  readonly server: GatewayServer;
}

/** The plaintext HTTP servers of a router, by the port to which they are bound. */
export function serversByPort(scope: Scope, targets: readonly ServiceTarget[]): Map<number, BoundServer[]> {
  const byPort = new Map<number, BoundServer[]>();
  for (const gateway of scope.gateways())
    for (const server of gateway.spec.servers) {
      const protocol = protocolByName(server.port.protocol);
      if (!protocol || !isHttp(protocol)) continue;
      const port =
        targets.find((target) => target.servicePort === server.port.number)?.targetPort ?? server.port.number;
      byPort.set(port, [...(byPort.get(port) ?? []), { gateway, server }]);
    }
  return byPort;
}
