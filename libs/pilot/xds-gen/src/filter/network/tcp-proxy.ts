import { anyOf } from "@xebec/api-envoy";
import { TcpProxySchema } from "@xebec/api-envoy/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy";
import { tcpReportLogs } from "../http/mixer-report-log.ts";
import { accessLogs } from "../telemetry/access-logs.ts";
import { telemetryConfigKeys } from "../telemetry/applied.ts";
import type { NetworkFilter } from "./network-filter.ts";

/** Forwards a connection to one cluster or, by weight, to one of several; without clusters it closes it. */
export const tcpProxy: NetworkFilter = {
  name: "envoy.filters.network.tcp_proxy",
  phase: "terminal",
  chain: (scope, connection) => {
    if (connection.protocol !== "tcp") return undefined;
    const { clusters, settings } = connection;
    const [first] = clusters;
    const statPrefix = first?.name ?? "BlackHoleCluster";
    const value = anyOf(TcpProxySchema, {
      statPrefix,
      clusterSpecifier:
        clusters.length > 1
          ? { case: "weightedClusters", value: { clusters: clusters.map(({ name, weight }) => ({ name, weight })) } }
          : { case: "cluster", value: statPrefix },
      ...settings,
      accessLog: [
        ...accessLogs(scope, connection.kind, "tcp"),
        ...tcpReportLogs(scope, connection.kind === "inbound" ? "inbound" : "outbound"),
      ],
    });
    return {
      name: tcpProxy.name,
      message: { configType: { case: "typedConfig", value } },
      configKeys: telemetryConfigKeys(scope),
    };
  },
};
