import { TrafficDirection } from "@xebec/api-envoy/envoy/config/core/v3/base";
import { isHttp, type PortProtocol, protocolByName } from "@xebec/model-names";
import type { EgressListener } from "@xebec/pilot-snapshot";
import type { BuiltFilterChain, BuiltListener } from "../../build/built.ts";
import type { Egress } from "../../scope/egress.ts";
import type { Scope } from "../../scope/scope.ts";
import { ANY_TRANSPORT, ANYWHERE, filterChains } from "../chain.ts";
import { inspectors } from "../listener-filters.ts";
import { socketAddress } from "../socket-address.ts";
import { outboundHttp } from "./outbound-http.ts";
import { tcpChains } from "./tcp-chains.ts";

const UNIX = "unix://";
const LOOPBACK = "127.0.0.1";

/** The port of a listener of a Sidecar's egress, with its protocol as services have it; undefined for one without a port. */
export function portOf({
  port,
}: EgressListener): { readonly number: number; readonly protocol: PortProtocol } | undefined {
  return port && { number: port.number, protocol: protocolByName(port.protocol) ?? "TCP" };
}

/** True for a listener that clients call themselves: no traffic is captured for it. */
export function isBound({ proxyClass }: Scope, { listener }: Egress): boolean {
  if (!listener?.port) return false;
  return listener.port.number === 0 || listener.captureMode === "NONE" || proxyClass.interception === "NONE";
}

/**
 * The listener of a Sidecar's egress that clients call themselves, at a port or a Unix socket (docs/reference/pilot.md §3.5). Who calls
 * it says by the request's host which service is meant; bytes go to the oldest service.
 * @param fallback where it listens if the Sidecar does not say it
 * @returns none where no service is covered
 */
export function boundListeners(scope: Scope, { listener, services }: Egress, fallback = LOOPBACK): BuiltListener[] {
  const port = listener && portOf(listener);
  if (!port) return [];
  const bind = listener.bind || (fallback.startsWith("127.") ? fallback : LOOPBACK);
  const name = `${bind}_${port.number}`;
  const chains = isHttp(port.protocol)
    ? httpChains(scope, name, bind, port.number)
    : bytesChains(scope, services, port);
  if (chains.length === 0) return [];
  return [
    {
      name,
      message: {
        address: bind.startsWith(UNIX)
          ? { address: { case: "pipe", value: { path: bind.slice(UNIX.length) } } }
          : socketAddress(bind, port.number),
        trafficDirection: TrafficDirection.OUTBOUND,
        // A second proxy at the same address must fail instead of silently sharing the port.
        enableReusePort: false,
        listenerFilters: inspectors(chains),
      },
      filterChains: chains,
      configKeys: [],
    },
  ];
}

function httpChains(scope: Scope, name: string, bind: string, port: number): BuiltFilterChain[] {
  return filterChains(scope, {
    matches: ANYWHERE,
    transports: ANY_TRANSPORT,
    connection: outboundHttp(name, port > 0 ? String(port) : bind, port > 0 ? { port } : {}),
    configKeys: [],
  });
}

function bytesChains(
  scope: Scope,
  services: Egress["services"],
  { number, protocol }: { readonly number: number; readonly protocol: PortProtocol },
): BuiltFilterChain[] {
  for (const service of services)
    for (const port of service.ports)
      if (port.protocol !== "UDP" && (number === 0 || port.number === number))
        return tcpChains(scope, service, { ...port, protocol });
  return [];
}
