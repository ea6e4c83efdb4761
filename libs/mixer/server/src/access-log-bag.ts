import { UInt32ValueSchema } from "@bufbuild/protobuf/wkt";
import {
  AccessLogCommonSchema,
  HTTPAccessLogEntrySchema,
  HTTPRequestPropertiesSchema,
  HTTPResponsePropertiesSchema,
  ResponseFlagsSchema,
  TLSProperties_CertificateProperties_SubjectAltNameSchema,
  TLSProperties_CertificatePropertiesSchema,
  TLSPropertiesSchema,
} from "@xebec/api-envoy/envoy/data/accesslog/v3/accesslog";
import type { StringMap, Timestamp } from "@xebec/model-attributes";
import { fieldNumbers } from "@xebec/model-attributes/wire";
import { methodName } from "./access-log-attributes.ts";
import type { EntryNumber, EntryText, Reporter } from "./access-log-entry.ts";
import {
  CERTIFICATE,
  COMMON,
  CONNECTION,
  HTTP_ENTRY,
  REQUEST,
  RESPONSE,
  SUBJECT_ALT_NAME,
  TCP_ENTRY,
  TLS,
} from "./access-log-fields.ts";
import { EntryBag } from "./entry-bag.ts";
import { EntryMetadata, METRICS, POLICY, REQUEST_HEADERS, RESPONSE_HEADERS } from "./entry-metadata.ts";
import { MessageView } from "./message-view.ts";
import type { PeerRole } from "./peer.ts";
import { ExtendedMap } from "./request-attributes.ts";
import { responseFlagsText } from "./response-flags.ts";
import { SocketAddressReader } from "./socket-address.ts";

const UINT32_VALUE = fieldNumbers(UInt32ValueSchema).value;

type Part = "common" | "request" | "response" | "tls";

const TEXTS: Readonly<Record<EntryText, readonly [Part, number]>> = {
  upstreamCluster: ["common", COMMON.upstreamCluster],
  streamId: ["common", COMMON.streamId],
  serverName: ["tls", TLS.tlsSniHostname],
  authority: ["request", REQUEST.authority],
  scheme: ["request", REQUEST.scheme],
  userAgent: ["request", REQUEST.userAgent],
  referer: ["request", REQUEST.referer],
  forwardedFor: ["request", REQUEST.forwardedFor],
  requestId: ["request", REQUEST.requestId],
};

const NUMBERS: Readonly<Record<EntryNumber, readonly [Part, number]>> = {
  requestHeadersBytes: ["request", REQUEST.requestHeadersBytes],
  requestBodyBytes: ["request", REQUEST.requestBodyBytes],
  responseHeadersBytes: ["response", RESPONSE.responseHeadersBytes],
  responseBodyBytes: ["response", RESPONSE.responseBodyBytes],
  receivedBytes: ["request", CONNECTION.receivedBytes],
  sentBytes: ["request", CONNECTION.sentBytes],
};

/** A bag over one entry of Envoy's gRPC access log. */
export class AccessLogBag extends EntryBag {
  readonly #entry = new MessageView(HTTPAccessLogEntrySchema);
  readonly #metadata = new EntryMetadata();
  readonly #addresses = { source: new SocketAddressReader(), destination: new SocketAddressReader() };
  readonly #certificate = new MessageView(TLSProperties_CertificatePropertiesSchema);
  readonly #name = new MessageView(TLSProperties_CertificateProperties_SubjectAltNameSchema);
  readonly #flags = new MessageView(ResponseFlagsSchema);
  readonly #number = new MessageView(UInt32ValueSchema);
  readonly #parts: Readonly<Record<Part, MessageView>> = {
    common: new MessageView(AccessLogCommonSchema),
    /** HTTPRequestProperties; of a TCP entry its ConnectionProperties. */
    request: new MessageView(HTTPRequestPropertiesSchema),
    response: new MessageView(HTTPResponsePropertiesSchema),
    tls: new MessageView(TLSPropertiesSchema),
  };
  #addressed = false;

  /** Takes one HTTPAccessLogEntry (or TCPAccessLogEntry) of a message. @throws XebecError invalid_argument when it is none */
  start(reporter: Reporter, isHttp: boolean, bytes: Buffer, pos: number, end: number): void {
    this.begin(reporter, isHttp);
    const { common, request, response, tls } = this.#parts;
    this.#entry.read(bytes, pos, end);
    // Both sorts of entries have their common properties in the same field.
    this.#entry.message(HTTP_ENTRY.commonProperties, common);
    common.message(COMMON.tlsProperties, tls);
    if (isHttp) {
      this.#entry.message(HTTP_ENTRY.request, request);
      this.#entry.message(HTTP_ENTRY.response, response);
    } else {
      this.#entry.message(TCP_ENTRY.connectionProperties, request);
      response.clear();
    }
    this.#addressed = false;
    this.#metadata.forget();
  }

  text(name: EntryText): string {
    const [part, field] = TEXTS[name];
    // The request of a connection has other fields.
    return part === "request" && !this.isHttp ? "" : this.#parts[part].text(field);
  }

  number(name: EntryNumber): number {
    const [part, field] = NUMBERS[name];
    return this.#parts[part].number(field);
  }

  get startTime(): Timestamp | undefined {
    return this.#parts.common.time(COMMON.startTime);
  }

  tag(name: string): string | undefined {
    return this.#parts.common.map(COMMON.customTags).get(name);
  }

  address(side: PeerRole): SocketAddressReader {
    if (!this.#addressed) {
      this.#addressed = true;
      const { common } = this.#parts;
      const { source, destination } = this.#addresses;
      if (this.reporter.kind === "inbound") {
        if (!source.read(common, COMMON.downstreamDirectRemoteAddress))
          source.read(common, COMMON.downstreamRemoteAddress);
        destination.read(common, COMMON.downstreamLocalAddress);
      } else {
        if (!source.read(common, COMMON.upstreamLocalAddress)) source.read(common, COMMON.downstreamRemoteAddress);
        destination.read(common, COMMON.upstreamRemoteAddress);
      }
    }
    return this.#addresses[side];
  }

  protected certificateUri(side: PeerRole): string {
    if (this.reporter.kind === "outbound") return this.tag(`${side}.principal.upstream`) ?? "";
    const field = side === "source" ? TLS.peerCertificateProperties : TLS.localCertificateProperties;
    if (!this.#parts.tls.message(field, this.#certificate)) return "";
    let uri = "";
    this.#certificate.forEach(CERTIFICATE.subjectAltName, (pos, end) => {
      if (uri === "") uri = this.#name.read(this.#certificate.bytes, pos, end).text(SUBJECT_ALT_NAME.uri);
    });
    return uri;
  }

  get method(): string {
    return this.isHttp ? methodName(this.#parts.request.number(REQUEST.requestMethod)) : "";
  }

  get path(): string {
    const { request } = this.#parts;
    return this.isHttp ? request.text(REQUEST.originalPath) || request.text(REQUEST.path) : "";
  }

  get requestHeaders(): StringMap {
    const { common, request } = this.#parts;
    const extra = this.standardHeaders();
    for (const [name, text] of this.#metadata.strings(common, REQUEST_HEADERS)) extra.set(name, text);
    return new ExtendedMap(extra, request.map(REQUEST.requestHeaders));
  }

  get responseHeaders(): StringMap {
    const { common, response } = this.#parts;
    // A copy: whoever keeps the map must not see the next entry in it.
    return new ExtendedMap(
      new Map(this.#metadata.strings(common, RESPONSE_HEADERS)),
      response.map(RESPONSE.responseHeaders),
    );
  }

  get contentType(): string | undefined {
    const { common, request, response } = this.#parts;
    return (
      request.map(REQUEST.requestHeaders).get("content-type") ??
      response.map(RESPONSE.responseHeaders).get("content-type") ??
      this.#metadata.strings(common, REQUEST_HEADERS).get("content-type") ??
      this.#metadata.strings(common, RESPONSE_HEADERS).get("content-type")
    );
  }

  get responseCode(): number {
    const { response } = this.#parts;
    return (response.message(RESPONSE.responseCode, this.#number) && this.#number.number(UINT32_VALUE)) || 500;
  }

  get duration(): number | undefined {
    const { common } = this.#parts;
    const time = common.time(COMMON.duration) ?? common.time(COMMON.timeToLastDownstreamTxByte);
    return time && time.seconds * 1e9 + time.nanos;
  }

  get flags(): string {
    const { common } = this.#parts;
    const given = common.message(COMMON.responseFlags, this.#flags) ? responseFlagsText(this.#flags) : "-";
    if (given !== "-" || !this.isHttp) return given;
    // Envoy has a flag for what mixer-policy denies; what it denies itself for a rule of Mixer's is counted in the same way.
    return this.#metadata.strings(common, POLICY).has("denied") ? "UAEX" : given;
  }

  grpc(header: string): string | undefined {
    const { response } = this.#parts;
    return this.isHttp
      ? (response.map(RESPONSE.responseTrailers).get(header) ?? response.map(RESPONSE.responseHeaders).get(header))
      : undefined;
  }

  get metrics(): string | undefined {
    if (!this.isHttp) return this.tag(METRICS);
    const side = this.reporter.kind === "inbound" ? "SERVER" : "CLIENT";
    return this.#metadata.strings(this.#parts.common, METRICS).get(side);
  }

  label(number: number): string {
    return this.tag(`istio.label.${number}`) ?? "";
  }
}
