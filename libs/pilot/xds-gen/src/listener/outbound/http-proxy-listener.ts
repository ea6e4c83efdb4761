import { TrafficDirection } from "@xebec/api-envoy/envoy/config/core/v3/base";
import type { BuiltListener } from "../../build/built.ts";
import { HTTP_PROXY_ROUTE } from "../../route/outbound-hosts.ts";
import { httpProxyOf } from "../../scope/http-proxy.ts";
import type { Scope } from "../../scope/scope.ts";
import type { Workload } from "../../scope/workload.ts";
import { ANY_TRANSPORT, ANYWHERE, filterChains } from "../chain.ts";
import { inspectors } from "../listener-filters.ts";
import { socketAddress } from "../socket-address.ts";
import { outboundHttp } from "./outbound-http.ts";

/** The explicit HTTP proxy, which clients call with absolute URLs or CONNECT; none where neither node nor mesh has a port for it. */
export function httpProxyListener(scope: Scope, { binding }: Pick<Workload, "binding">): BuiltListener | undefined {
  const at = httpProxyOf(scope, binding);
  if (!at) return undefined;
  const name = `${at.address}_${at.port}`;
  const chains = filterChains(scope, {
    matches: ANYWHERE,
    transports: ANY_TRANSPORT,
    connection: outboundHttp(name, HTTP_PROXY_ROUTE, { connect: true }),
    configKeys: [],
  });
  return {
    name,
    message: {
      address: socketAddress(at.address, at.port),
      // A second proxy at the same address must fail instead of silently sharing the port.
      enableReusePort: false,
      trafficDirection: TrafficDirection.OUTBOUND,
      listenerFilters: inspectors(chains),
    },
    filterChains: chains,
    configKeys: [],
  };
}
