import { TrafficDirection } from "@xebec/api-envoy/envoy/config/core/v3/base";
import type { BuiltListener } from "../../build/built.ts";
import type { Scope } from "../../scope/scope.ts";
import type { Workload } from "../../scope/workload.ts";
import { inspectors } from "../listener-filters.ts";
import { socketAddress } from "../socket-address.ts";
import { gatewayKeys, serverChains } from "./server-chains.ts";
import { serversByPort } from "./servers.ts";

/** The listeners of a router (docs/reference/pilot.md §3.3): one for each port, with all servers of the port. */
export function gatewayListeners(scope: Scope, { binding, targets }: Workload): BuiltListener[] {
  if (binding.mode !== "gateway") return [];
  const { address } = binding;
  return [...serversByPort(scope, targets)].map(([port, servers]) => {
    const name = `${address}_${port}`;
    const chains = serverChains(scope, name, port, servers);
    return {
      name,
      message: {
        address: socketAddress(address, port),
        ...(scope.proxyClass.interception === "NONE" ? { enableReusePort: false } : {}),
        trafficDirection: TrafficDirection.OUTBOUND,
        listenerFilters: inspectors(chains),
      },
      filterChains: chains,
      configKeys: gatewayKeys(servers),
    };
  });
}
