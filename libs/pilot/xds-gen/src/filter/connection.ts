import type { MessageInitShape } from "@bufbuild/protobuf";
import type { TcpProxySchema } from "@xebec/api-envoy/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy";
import type { BuiltInlineRouteConfiguration } from "../build/built.ts";

/** Which side of a proxy takes connections: for its own workload, for other services, or at the edge of the mesh. */
export type TrafficKind = "inbound" | "outbound" | "gateway";

/** Requests of a filter chain. */
export interface HttpConnection {
  readonly protocol: "http";
  readonly kind: TrafficKind;
  /** Without the closing `;`. */
  readonly statPrefix: string;
  /** A route table served by RDS, or one that is part of the listener. */
  readonly routes: { readonly rds: string } | { readonly inline: BuiltInlineRouteConfiguration };
  /** Inbound: the namespace of the services that are called. */
  readonly serviceNamespace?: string;
  /** Accepts CONNECT, for clients that tunnel. */
  readonly connect?: boolean;
  /** Takes what browsers send in place of gRPC. */
  readonly grpcWeb?: boolean;
}

/** What a DestinationRule may say of connections. */
export type TcpSettings = Pick<
  MessageInitShape<typeof TcpProxySchema>,
  "idleTimeout" | "maxDownstreamConnectionDuration" | "hashPolicy"
>;

export interface WeightedCluster {
  readonly name: string;
  readonly weight: number;
}

/** Bytes of a filter chain: they go to one cluster, or to several by weight; to none, they are cut off. */
export interface TcpConnection {
  readonly protocol: "tcp";
  readonly kind: TrafficKind;
  readonly clusters: readonly WeightedCluster[];
  readonly settings?: TcpSettings;
}

/** What a filter chain does with its connections. Filters decide by it whether they are in the chain, and how. */
export type Connection = HttpConnection | TcpConnection;
