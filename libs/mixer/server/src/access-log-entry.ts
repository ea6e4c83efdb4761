import type { StringMap, Timestamp } from "@xebec/model-attributes";
import type { MessageView } from "./message-view.ts";
import type { PeerInfo, PeerRole } from "./peer.ts";
import type { SocketAddressReader } from "./socket-address.ts";
import type { ServiceView } from "./workload-index.ts";

/** The proxy that sends a stream of access logs. */
export interface Reporter {
  readonly kind: "inbound" | "outbound";
  /** Its own workload: the destination of inbound entries, the source of outbound ones. */
  readonly peer: PeerInfo | undefined;
}

/** One entry of Envoy's gRPC access log as attributes read it; `AccessLogBag` is the only implementation. */
export interface AccessLogEntry {
  readonly reporter: Reporter;
  /** False for the entry of a TCP connection. */
  readonly isHttp: boolean;
  readonly common: MessageView;
  /** HTTPRequestProperties; of a TCP entry its ConnectionProperties. */
  readonly request: MessageView;
  readonly response: MessageView;
  readonly tls: MessageView;
  /** Inbound: the caller and the pod. Outbound: this side of the connection to the upstream, and the upstream. */
  address(side: PeerRole): SocketAddressReader;
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
  /** A number of ConnectionProperties; undefined for HTTP. */
  connectionBytes(field: number): number | undefined;
}
