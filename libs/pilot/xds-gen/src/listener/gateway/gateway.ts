import { TrafficDirection } from "@xebec/api-envoy/envoy/config/core/v3/base";
import { isHttp, protocolByName } from "@xebec/model-names";
import type { GatewayServer } from "@xebec/model-resources";
import type { Gateway } from "@xebec/pilot-snapshot";
import type { BuiltListener } from "../../build/built.ts";
import type { Scope } from "../../scope/scope.ts";
import type { ServiceTarget, Workload } from "../../scope/workload.ts";
import { ANY_TRANSPORT, ANYWHERE, filterChains } from "../chain.ts";
import { socketAddress } from "../socket-address.ts";

export interface BoundServer {
  readonly gateway: Gateway;
  readonly server: GatewayServer;
}

/** The plaintext HTTP servers of a router, by the port that they are bound to; what does not fit together is left out. */
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

/** The listeners of a router (docs/reference/pilot.md §3.3): one for each port, all plaintext HTTP servers of it together. */
export function gatewayListeners(scope: Scope, { binding, targets }: Workload): BuiltListener[] {
  if (binding.mode !== "gateway") return [];
  const { address } = binding;
  return [...serversByPort(scope, targets)].map(([port, servers]) => {
    const name = `${address}_${port}`;
    const configKeys = [...new Set(servers.map(({ gateway }) => gateway.key))];
    return {
      name,
      message: {
        address: socketAddress(address, port),
        ...(scope.proxyClass.interception === "NONE" ? { enableReusePort: false } : {}),
        trafficDirection: TrafficDirection.OUTBOUND,
      },
      filterChains: filterChains(scope, {
        matches: ANYWHERE,
        transports: ANY_TRANSPORT,
        connection: {
          protocol: "http",
          kind: "gateway",
          statPrefix: `outbound_${name}`,
          routes: { rds: `http.${port}` },
          grpcWeb: servers.some(({ server }) => protocolByName(server.port.protocol) === "GRPC-Web"),
        },
        configKeys,
      }),
      configKeys,
    };
  });
}
