import { randomUUID } from "node:crypto";
import { WireWriter } from "@xebec/model-attributes/wire";
import { ANY_VALUE, EXPORT_REQUEST, KEY_VALUE, LOG_RECORD, RESOURCE, RESOURCE_LOGS, SCOPE_LOGS } from "./otlp-wire.ts";

export const EXPORT = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";

type Attributes = Readonly<Record<string, string>>;

function attributes(writer: WireWriter, field: number, values: Attributes): void {
  for (const [key, value] of Object.entries(values))
    writer.message(field, (each) =>
      each.text(KEY_VALUE.key, key).message(KEY_VALUE.value, (any) => any.text(ANY_VALUE.stringValue, value)),
    );
}

/** A request as Envoy's OpenTelemetry access logger sends it. @param log `http_inbound` @param app whose proxy it is */
export function otlpRequest(log: string, app: string, ...records: readonly Attributes[]): Buffer {
  const node = `sidecar~10.0.0.9~${app}-v1-abc.default~default.svc.cluster.local`;
  return new WireWriter()
    .message(EXPORT_REQUEST.resourceLogs, (logs) => {
      logs.message(RESOURCE_LOGS.resource, (each) =>
        attributes(each, RESOURCE.attributes, { log_name: `xebec_${log}`, node_name: node }),
      );
      logs.message(RESOURCE_LOGS.scopeLogs, (scope) => {
        for (const record of records)
          scope.message(SCOPE_LOGS.logRecords, (each) => {
            // A fixed64, as a double has eight bytes as well.
            const time = Buffer.alloc(8);
            time.writeBigUInt64LE(1_700_000_000_000_000_000n);
            each.double(LOG_RECORD.timeUnixNano, time.readDoubleLE());
            attributes(each, LOG_RECORD.attributes, record);
          });
      });
    })
    .finish();
}

/** What Envoy writes of a call of reviews, at both sides; the same as the entries `inbound` and `outbound` of the other protocol. */
const call = (): Attributes => ({
  ...{ id: randomUUID(), durationNs: "30000000", durationMs: "30", flags: "-" },
  ...{ method: "GET", scheme: "http", authority: "reviews:80", path: "/reviews/1?page=2", userAgent: "curl" },
  ...{ requestId: "id-1", requestHeadersBytes: "100", requestBodyBytes: "20", responseHeadersBytes: "50" },
  ...{ responseBodyBytes: "2000", requestContentType: "-", responseContentType: "-", requestHeaders: "-" },
});
export const otelInbound = (): Attributes => ({
  ...call(),
  ...{ responseCode: "200", source: "10.0.0.1:40000", destination: "10.0.0.3:9080" },
  upstreamCluster: "inbound|80||reviews.default.svc.cluster.local",
  sourceUri: "spiffe://cluster.local/ns/default/sa/productpage",
  destinationUri: "spiffe://cluster.local/ns/default/sa/reviews",
});
export const otelOutbound = (): Attributes => ({
  ...call(),
  ...{ responseCode: "503", downstreamSource: "127.0.0.1:40000", upstreamSource: "10.0.0.1:40001" },
  upstreamDestination: "10.0.0.3:9080",
  upstreamCluster: "outbound|80|v1|reviews.default.svc.cluster.local",
  upstreamSourceUri: "spiffe://cluster.local/ns/default/sa/productpage",
  upstreamDestinationUri: "spiffe://cluster.local/ns/default/sa/reviews",
});
