import type { StringMap, Timestamp } from "@xebec/model-attributes";
import type { PeerInfo, PeerRole } from "./peer.ts";
import type { ServiceView } from "./workload-index.ts";

/** The proxy that sends access logs. */
export interface Reporter {
  readonly kind: "inbound" | "outbound";
  /** Its own workload: the destination of inbound entries, the source of outbound ones. */
  readonly peer: PeerInfo | undefined;
}

/** What an entry says of a request or a connection as text; empty when it says nothing. */
export type EntryText =
  | "upstreamCluster"
  | "serverName"
  | "streamId"
  | "authority"
  | "scheme"
  | "userAgent"
  | "referer"
  | "forwardedFor"
  | "requestId";

/** What an entry says as a number: bytes; 0 when it says nothing. Those of a connection are its payload's. */
export type EntryNumber =
  | "requestHeadersBytes"
  | "requestBodyBytes"
  | "responseHeadersBytes"
  | "responseBodyBytes"
  | "receivedBytes"
  | "sentBytes";

/** One side of a call. */
export interface EntryAddress {
  /** Empty when it is not known. */
  readonly ip: string;
  readonly port: number;
}

/** One entry of Envoy's access log as attributes read it, in whichever of Envoy's two protocols it came. */
export interface AccessLogEntry {
  readonly reporter: Reporter;
  /** False for the entry of a TCP connection. */
  readonly isHttp: boolean;
  /** Of a connection, which is reported when it is over: that it was opened, and that it was closed. */
  readonly event: "open" | "close";
  text(name: EntryText): string;
  number(name: EntryNumber): number;
  readonly startTime: Timestamp | undefined;
  /** A custom tag. */
  tag(name: string): string | undefined;
  /** Inbound: the caller and the pod. Outbound: this side of the connection to the upstream, and the upstream. */
  address(side: PeerRole): EntryAddress;
  /** The identity in the certificate, without `spiffe://`; empty without mutual TLS. */
  principal(side: PeerRole): string;
  peer(side: PeerRole): PeerInfo | undefined;
  /** The service that was called. */
  readonly serviceView: ServiceView | undefined;
  readonly method: string;
  /** The path of the request before routes changed it. */
  readonly path: string;
  readonly requestHeaders: StringMap;
  readonly responseHeaders: StringMap;
  readonly contentType: string | undefined;
  /** The status; of a request that ended without a response 500, as Istio 1.1's proxy reported it. */
  readonly responseCode: number;
  /** In nanoseconds. */
  readonly duration: number | undefined;
  readonly endTime: Timestamp | undefined;
  /** The response flags, as Envoy's text access log writes them. */
  readonly flags: string;
  /** A header of a gRPC response, from its trailers or its headers. */
  grpc(header: string): string | undefined;
  /** A number of a connection: 0 when it was opened; undefined for HTTP. */
  connectionBytes(name: "receivedBytes" | "sentBytes"): number | undefined;
  /** What pilot says of Istio's standard metrics; undefined where they are not asked for. */
  readonly metrics: string | undefined;
  /** A value that the proxy found for a label of its own. */
  label(number: number): string;
}
