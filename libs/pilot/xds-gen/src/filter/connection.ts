import type { MessageInitShape } from "@bufbuild/protobuf";
import type { TcpProxySchema } from "@xebec/api-envoy/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy";
import type { PolicyTarget } from "@xebec/pilot-snapshot";
import type { BuiltInlineRouteConfiguration } from "../build/built.ts";

/** Which connections a listener accepts: to the proxy's own workload, to other services, or at the edge of the mesh. */
export type TrafficKind = "inbound" | "outbound" | "gateway";

/** A service that a connection is for. */
export interface CalledService {
  readonly host: string;
  readonly name: string;
  readonly namespace: string;
}

/** HTTP traffic of a filter chain. */
export interface HttpConnection {
  readonly protocol: "http";
  readonly kind: TrafficKind;
  /** The called port: of the workload where it is inbound, of a service or a Gateway elsewhere; absent where it may be any. */
  readonly port?: number;
  /** Without the trailing `;`. */
  readonly statPrefix: string;
  /** A route table that comes by RDS, or one inside the listener. */
  readonly routes: { readonly rds: string } | { readonly inline: BuiltInlineRouteConfiguration };
  /** The called service, where it is known; inbound only. */
  readonly service?: CalledService;
  /** Namespace of the called services; inbound only. */
  readonly serviceNamespace?: string;
  /** The called port, as policies of Istio 1.1 know it; inbound only. */
  readonly target?: PolicyTarget;
  /** Accept CONNECT requests. */
  readonly connect?: boolean;
  /** Accept gRPC-Web. */
  readonly grpcWeb?: boolean;
}

/** Settings of connections that a DestinationRule may have. */
export type TcpSettings = Pick<
  MessageInitShape<typeof TcpProxySchema>,
  "idleTimeout" | "maxDownstreamConnectionDuration" | "hashPolicy" | "tunnelingConfig"
>;

export interface WeightedCluster {
  readonly name: string;
  readonly weight: number;
}

/** TCP traffic of a filter chain: to one cluster or, by weight, to several. Without clusters, connections are closed. */
export interface TcpConnection {
  readonly protocol: "tcp";
  readonly kind: TrafficKind;
  /** The called port: of the workload where it is inbound, of a service or a Gateway elsewhere; absent where it may be any. */
  readonly port?: number;
  readonly clusters: readonly WeightedCluster[];
  /** The called service, where it is known; inbound only. */
  readonly service?: CalledService;
  readonly settings?: TcpSettings;
}

/** What a filter chain does with its connections. Each filter decides by it whether and how it is part of the chain. */
export type Connection = HttpConnection | TcpConnection;
