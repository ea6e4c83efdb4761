import type { MessageInitShape } from "@bufbuild/protobuf";
import { TrafficDirection } from "@xebec/api-envoy/envoy/config/core/v3/base";
import type { ListenerSchema } from "@xebec/api-envoy/envoy/config/listener/v3/listener";
import type { BuiltFilterChain, BuiltListener } from "../../build/built.ts";
import type { TcpConnection, TcpSettings, WeightedCluster } from "../../filter/connection.ts";
import type { Scope } from "../../scope/scope.ts";
import { inspectors } from "../listener-filters.ts";
import { socketAddress } from "../socket-address.ts";

export const ALL_ADDRESSES = "0.0.0.0";

interface UnboundListener {
  readonly address: string;
  readonly port: number;
  readonly filterChains: readonly BuiltFilterChain[];
  readonly defaultFilterChain?: BuiltFilterChain;
  /** How long the inspectors wait for the first bytes. */
  readonly timeout?: Pick<
    MessageInitShape<typeof ListenerSchema>,
    "listenerFiltersTimeout" | "continueOnListenerFiltersTimeout"
  >;
  readonly configKeys: readonly string[];
}

/** A listener without a port of its own (`bind_to_port: false`): `virtualOutbound` hands connections to it. */
export function unboundListener(name: string, listener: UnboundListener): BuiltListener {
  const { address, port, timeout, filterChains, defaultFilterChain: last, configKeys } = listener;
  return {
    name,
    message: {
      address: socketAddress(address, port),
      bindToPort: false,
      trafficDirection: TrafficDirection.OUTBOUND,
      listenerFilters: inspectors(filterChains),
      ...timeout,
    },
    filterChains,
    ...(last ? { defaultFilterChain: last } : {}),
    configKeys,
  };
}

/** TCP to clusters by weight. */
export function tcpTo(clusters: readonly WeightedCluster[], settings: TcpSettings = {}): TcpConnection {
  return { protocol: "tcp", kind: "outbound", clusters, settings };
}

/** Traffic to unknown destinations: passed through, handed to a proxy, or closed (`outboundTrafficPolicy`). */
export function unknownTraffic({ outboundPolicy: { allowAny, proxy } }: Scope): TcpConnection {
  return tcpTo([{ name: proxy?.cluster ?? (allowAny ? "PassthroughCluster" : "BlackHoleCluster"), weight: 1 }]);
}
