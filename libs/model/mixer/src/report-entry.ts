/** Which entries have an attribute. */
interface Use {
  /** What Envoy puts there, in the language of its access logs (Envoy, "Access logging", command operators). */
  readonly format: string;
  readonly of?: "http" | "tcp";
  readonly side?: "inbound" | "outbound";
}

/**
 * The attributes of a report that a proxy sends by Envoy's OpenTelemetry access logger. Pilot has Envoy write them, mixer-telemetry reads
 * them. Envoy writes `-` for what there is not.
 */
export const REPORT_ENTRY = {
  /** Made once for each entry: the same when the entry is sent again. */
  id: { format: "%UNIQUE_ID%" },
  durationNs: { format: "%COMMON_DURATION(DS_RX_BEG:DS_TX_END:ns)%", of: "http" },
  durationMs: { format: "%DURATION%" },
  flags: { format: "%RESPONSE_FLAGS%" },
  upstreamCluster: { format: "%UPSTREAM_CLUSTER_RAW%" },
  serverName: { format: "%REQUESTED_SERVER_NAME%", side: "inbound" },
  source: { format: "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%", side: "inbound" },
  destination: { format: "%DOWNSTREAM_LOCAL_ADDRESS%", side: "inbound" },
  upstreamSource: { format: "%UPSTREAM_LOCAL_ADDRESS%", side: "outbound" },
  downstreamSource: { format: "%DOWNSTREAM_REMOTE_ADDRESS%", side: "outbound" },
  upstreamDestination: { format: "%UPSTREAM_REMOTE_ADDRESS%", side: "outbound" },
  sourceUri: { format: "%DOWNSTREAM_PEER_URI_SAN%", side: "inbound" },
  destinationUri: { format: "%DOWNSTREAM_LOCAL_URI_SAN%", side: "inbound" },
  upstreamSourceUri: { format: "%UPSTREAM_LOCAL_URI_SAN%", side: "outbound" },
  upstreamDestinationUri: { format: "%UPSTREAM_PEER_URI_SAN%", side: "outbound" },
  streamId: { format: "%STREAM_ID%", of: "tcp" },
  receivedBytes: { format: "%BYTES_RECEIVED%", of: "tcp" },
  sentBytes: { format: "%BYTES_SENT%", of: "tcp" },
  method: { format: "%REQ(:METHOD)%", of: "http" },
  authority: { format: "%REQ(:AUTHORITY)%", of: "http" },
  path: { format: "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%", of: "http" },
  scheme: { format: "%REQ(:SCHEME)%", of: "http" },
  userAgent: { format: "%REQ(USER-AGENT)%", of: "http" },
  referer: { format: "%REQ(REFERER)%", of: "http" },
  forwardedFor: { format: "%REQ(X-FORWARDED-FOR)%", of: "http" },
  requestId: { format: "%REQ(X-REQUEST-ID)%", of: "http" },
  requestContentType: { format: "%REQ(CONTENT-TYPE)%", of: "http" },
  responseContentType: { format: "%RESP(CONTENT-TYPE)%", of: "http" },
  requestHeadersBytes: { format: "%REQUEST_HEADERS_BYTES%", of: "http" },
  requestBodyBytes: { format: "%BYTES_RECEIVED%", of: "http" },
  responseHeadersBytes: { format: "%RESPONSE_HEADERS_BYTES%", of: "http" },
  responseBodyBytes: { format: "%BYTES_SENT%", of: "http" },
  responseCode: { format: "%RESPONSE_CODE%", of: "http" },
  grpcStatus: { format: "%TRAILER(GRPC-STATUS)%", of: "http" },
  grpcMessage: { format: "%TRAILER(GRPC-MESSAGE)%", of: "http" },
  grpcHeaderStatus: { format: "%RESP(GRPC-STATUS)%", of: "http" },
  grpcHeaderMessage: { format: "%RESP(GRPC-MESSAGE)%", of: "http" },
  denied: { format: "%DYNAMIC_METADATA(mixer.policy:denied)%", of: "http", side: "inbound" },
  requestHeaders: { format: "%DYNAMIC_METADATA(mixer.request.headers)%", of: "http" },
  responseHeaders: { format: "%DYNAMIC_METADATA(mixer.response.headers)%", of: "http" },
  metricsServer: { format: "%DYNAMIC_METADATA(istio.metrics:SERVER)%", of: "http", side: "inbound" },
  metricsClient: { format: "%DYNAMIC_METADATA(istio.metrics:CLIENT)%", of: "http", side: "outbound" },
} as const satisfies Readonly<Record<string, Use>>;

export type ReportEntryKey = keyof typeof REPORT_ENTRY;

/** The attributes of one sort of entries, with what Envoy puts there. */
export function reportEntryFormats(
  of: "http" | "tcp",
  side: "inbound" | "outbound",
): readonly (readonly [string, string])[] {
  return Object.entries<Use>(REPORT_ENTRY).flatMap(([key, use]) =>
    (use.of ?? of) === of && (use.side ?? side) === side ? [[key, use.format] as const] : [],
  );
}

/** The attribute of a connection that says what of Istio's standard metrics is counted. */
export const REPORT_METRICS = "metrics";

/** The attribute of a label that the proxy finds, by its number. */
export const reportLabel = (number: number): string => `label.${number}`;
