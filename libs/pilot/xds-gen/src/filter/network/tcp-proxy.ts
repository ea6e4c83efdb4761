import type { MessageInitShape } from "@bufbuild/protobuf";
import { anyOf } from "@xebec/api-envoy";
import { TcpProxySchema } from "@xebec/api-envoy/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy";
import type { Scope } from "../../scope/scope.ts";
import { tcpAccessLogs } from "../access-log.ts";

/** What a DestinationRule may say of connections. */
export type TcpSettings = Pick<
  MessageInitShape<typeof TcpProxySchema>,
  "idleTimeout" | "maxDownstreamConnectionDuration" | "hashPolicy"
>;

export interface WeightedCluster {
  readonly name: string;
  readonly weight: number;
}

/** Forwards a connection to one cluster, or to several by weight. */
export function tcpProxy(scope: Scope, clusters: readonly WeightedCluster[], settings: TcpSettings = {}) {
  const [first] = clusters;
  const name = first?.name ?? "BlackHoleCluster";
  return {
    name: "envoy.filters.network.tcp_proxy",
    configType: {
      case: "typedConfig" as const,
      value: anyOf(TcpProxySchema, {
        statPrefix: name,
        clusterSpecifier:
          clusters.length > 1
            ? { case: "weightedClusters", value: { clusters: clusters.map(({ name, weight }) => ({ name, weight })) } }
            : { case: "cluster", value: name },
        ...settings,
        accessLog: tcpAccessLogs(scope),
      }),
    },
  };
}
