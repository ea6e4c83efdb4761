import type { Metrics } from "@xebec/core-metrics";

/** The metrics of the streams. @param connections how many there are */
export function xdsMetrics(metrics: Metrics, connections: () => number) {
  metrics.gauge("pilot_xds", "Number of endpoints connected to this pilot using XDS.", [], connections);
  const perType = (name: string, help: string) => metrics.counter(name, help, ["type"]);
  return {
    pushes: perType("pilot_xds_pushes", "Pilot build and send errors for lds, rds, cds and eds."),
    bytes: perType("xebec_pilot_sent_bytes_total", "Bytes of xDS messages sent."),
    rejects: perType("pilot_total_xds_rejects", "Messages that proxies rejected."),
    expired: perType("pilot_xds_expired_nonce", "Answers to messages that were overtaken."),
    timeouts: metrics.counter("pilot_xds_write_timeout", "Streams ended because the proxy did not read."),
  };
}
