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
import {
  AttributeBag,
  type AttributeValue,
  type Layout,
  type StringMap,
  type Timestamp,
} from "@xebec/model-attributes";
import { fieldNumbers } from "@xebec/model-attributes/wire";
import { type AccessLogLoader, LOADERS, methodName } from "./access-log-attributes.ts";
import type { AccessLogEntry, Reporter } from "./access-log-entry.ts";
import {
  CERTIFICATE,
  COMMON,
  HTTP_ENTRY,
  REQUEST,
  RESPONSE,
  SUBJECT_ALT_NAME,
  TCP_ENTRY,
  TLS,
} from "./access-log-fields.ts";
import { DestinationServiceResolver } from "./destination-service.ts";
import { EntryMetadata, METRICS, POLICY, REQUEST_HEADERS, RESPONSE_HEADERS } from "./entry-metadata.ts";
import { MessageView } from "./message-view.ts";
import { type PeerInfo, type PeerRole, peerAttribute, principalText } from "./peer.ts";
import { ExtendedMap, fromText } from "./request-attributes.ts";
import { responseFlagsText } from "./response-flags.ts";
import { SocketAddressReader } from "./socket-address.ts";
import type { ServiceView, WorkloadIndex } from "./workload-index.ts";

const UINT32_VALUE = fieldNumbers(UInt32ValueSchema).value;

/** A bag over one entry of Envoy's gRPC access log. */
export class AccessLogBag extends AttributeBag implements AccessLogEntry {
  readonly #index: WorkloadIndex;
  readonly #called: DestinationServiceResolver;
  readonly #loaders: (AccessLogLoader | undefined)[];
  readonly #entry = new MessageView(HTTPAccessLogEntrySchema);
  readonly #metadata = new EntryMetadata();
  readonly #addresses = { source: new SocketAddressReader(), destination: new SocketAddressReader() };
  readonly #certificate = new MessageView(TLSProperties_CertificatePropertiesSchema);
  readonly #name = new MessageView(TLSProperties_CertificateProperties_SubjectAltNameSchema);
  readonly #flags = new MessageView(ResponseFlagsSchema);
  readonly #number = new MessageView(UInt32ValueSchema);
  readonly common: MessageView = new MessageView(AccessLogCommonSchema);
  /** HTTPRequestProperties; of a TCP entry its ConnectionProperties. */
  readonly request: MessageView = new MessageView(HTTPRequestPropertiesSchema);
  readonly response: MessageView = new MessageView(HTTPResponsePropertiesSchema);
  readonly tls: MessageView = new MessageView(TLSPropertiesSchema);
  reporter: Reporter = { kind: "inbound", peer: undefined };
  isHttp = true;
  #addressed = false;
  #service: ServiceView | undefined;
  #serviceKnown = false;
  #source: PeerInfo | undefined;
  #destination: PeerInfo | undefined;
  #peersKnown = false;
  #principals: { source: string | undefined; destination: string | undefined } = {
    source: undefined,
    destination: undefined,
  };

  constructor(layout: Layout, index: WorkloadIndex) {
    super(layout);
    this.#index = index;
    this.#called = new DestinationServiceResolver(index);
    this.#loaders = layout.names.map((name, slot) => {
      const type = layout.types[slot] ?? "STRING";
      const own = LOADERS[name];
      if (own) return own;
      const peer = peerAttribute(name);
      if (peer) return (bag) => peer.read(bag.peer(peer.side));
      // A custom tag with an attribute's name is that attribute.
      return (bag) => {
        const text = bag.common.map(COMMON.customTags).get(name);
        return text === undefined ? undefined : fromText(type, text);
      };
    });
  }

  /** Takes one HTTPAccessLogEntry (or TCPAccessLogEntry) of a message. @throws XebecError invalid_argument when it is none */
  start(reporter: Reporter, isHttp: boolean, bytes: Buffer, pos: number, end: number): void {
    this.forget();
    this.reporter = reporter;
    this.isHttp = isHttp;
    this.#entry.read(bytes, pos, end);
    // Both sorts of entries have their common properties in the same field.
    this.#entry.message(HTTP_ENTRY.commonProperties, this.common);
    this.common.message(COMMON.tlsProperties, this.tls);
    if (isHttp) {
      this.#entry.message(HTTP_ENTRY.request, this.request);
      this.#entry.message(HTTP_ENTRY.response, this.response);
    } else {
      this.#entry.message(TCP_ENTRY.connectionProperties, this.request);
      this.response.clear();
    }
    this.#addressed = false;
    this.#metadata.forget();
    this.#serviceKnown = false;
    this.#peersKnown = false;
    this.#principals.source = undefined;
    this.#principals.destination = undefined;
  }

  protected override load(slot: number): AttributeValue | undefined {
    return this.#loaders[slot]?.(this);
  }

  /** What is known of workloads comes from the bucket `workloads`; no proxy sends it. */
  protected override isFound(slot: number): boolean {
    const name = this.layout.names[slot] as string;
    return LOADERS[name] === undefined && peerAttribute(name) !== undefined;
  }

  /** Inbound: the caller and the pod. Outbound: this side of the connection to the upstream, and the upstream. */
  address(side: PeerRole): SocketAddressReader {
    if (!this.#addressed) {
      this.#addressed = true;
      const { source, destination } = this.#addresses;
      if (this.reporter.kind === "inbound") {
        if (!source.read(this.common, COMMON.downstreamDirectRemoteAddress))
          source.read(this.common, COMMON.downstreamRemoteAddress);
        destination.read(this.common, COMMON.downstreamLocalAddress);
      } else {
        if (!source.read(this.common, COMMON.upstreamLocalAddress))
          source.read(this.common, COMMON.downstreamRemoteAddress);
        destination.read(this.common, COMMON.upstreamRemoteAddress);
      }
    }
    return this.#addresses[side];
  }

  principal(side: PeerRole): string {
    let text = this.#principals[side];
    if (text === undefined) {
      text = this.#readPrincipal(side);
      this.#principals[side] = text;
    }
    return text;
  }

  #readPrincipal(side: PeerRole): string {
    if (this.reporter.kind === "outbound")
      return principalText(this.common.map(COMMON.customTags).get(`${side}.principal.upstream`) ?? "");
    if (
      !this.tls.message(
        side === "source" ? TLS.peerCertificateProperties : TLS.localCertificateProperties,
        this.#certificate,
      )
    )
      return "";
    let uri = "";
    this.#certificate.forEach(CERTIFICATE.subjectAltName, (pos, end) => {
      if (uri === "") uri = this.#name.read(this.#certificate.bytes, pos, end).text(SUBJECT_ALT_NAME.uri);
    });
    return principalText(uri);
  }

  peer(side: PeerRole): PeerInfo | undefined {
    if (!this.#peersKnown) {
      this.#peersKnown = true;
      const { kind, peer } = this.reporter;
      const far: PeerRole = kind === "inbound" ? "source" : "destination";
      const other = this.#index.byIpAndPrincipal(this.address(far).ip, this.principal(far));
      this.#source = kind === "inbound" ? other : peer;
      this.#destination = kind === "inbound" ? peer : other;
    }
    return side === "source" ? this.#source : this.#destination;
  }

  /** The service that was called; looked for once per entry. */
  get serviceView(): ServiceView | undefined {
    if (!this.#serviceKnown) {
      this.#serviceKnown = true;
      this.#service = this.#called.find(this);
    }
    return this.#service;
  }

  get method(): string {
    return methodName(this.request.number(REQUEST.requestMethod));
  }

  /** The path that was asked for, before routes changed it. */
  get path(): string {
    return this.request.text(REQUEST.originalPath) || this.request.text(REQUEST.path);
  }

  get requestHeaders(): StringMap {
    const { request } = this;
    const extra = new Map<string, string>();
    for (const [name, text] of [
      [":method", this.method],
      [":authority", request.text(REQUEST.authority)],
      [":path", this.path],
      [":scheme", request.text(REQUEST.scheme)],
      ["user-agent", request.text(REQUEST.userAgent)],
      ["referer", request.text(REQUEST.referer)],
      ["x-forwarded-for", request.text(REQUEST.forwardedFor)],
      ["x-request-id", request.text(REQUEST.requestId)],
    ] as const)
      if (text !== "") extra.set(name, text);
    for (const [name, text] of this.#metadata.strings(this.common, REQUEST_HEADERS)) extra.set(name, text);
    return new ExtendedMap(extra, request.map(REQUEST.requestHeaders));
  }

  get responseHeaders(): StringMap {
    // A copy: whoever keeps the map must not see the next entry in it.
    return new ExtendedMap(
      new Map(this.#metadata.strings(this.common, RESPONSE_HEADERS)),
      this.response.map(RESPONSE.responseHeaders),
    );
  }

  get contentType(): string | undefined {
    return (
      this.request.map(REQUEST.requestHeaders).get("content-type") ??
      this.response.map(RESPONSE.responseHeaders).get("content-type") ??
      this.#metadata.strings(this.common, REQUEST_HEADERS).get("content-type") ??
      this.#metadata.strings(this.common, RESPONSE_HEADERS).get("content-type")
    );
  }

  /** The status; of a request that ended without a response 500, as Istio 1.1's proxy reported it. */
  get responseCode(): number {
    return (this.response.message(RESPONSE.responseCode, this.#number) && this.#number.number(UINT32_VALUE)) || 500;
  }

  get duration(): number | undefined {
    const time = this.common.time(COMMON.duration) ?? this.common.time(COMMON.timeToLastDownstreamTxByte);
    return time && time.seconds * 1e9 + time.nanos;
  }

  get endTime(): Timestamp | undefined {
    const start = this.common.time(COMMON.startTime);
    const { duration } = this;
    if (!start || duration === undefined) return undefined;
    const nanos = start.nanos + duration;
    return { seconds: start.seconds + Math.floor(nanos / 1e9), nanos: nanos % 1e9 };
  }

  get flags(): string {
    const given = this.common.message(COMMON.responseFlags, this.#flags) ? responseFlagsText(this.#flags) : "-";
    if (given !== "-" || !this.isHttp) return given;
    // Envoy has a flag for what mixer-policy denies; what it denies itself for a rule of Mixer's is counted in the same way.
    return this.#metadata.strings(this.common, POLICY).has("denied") ? "UAEX" : given;
  }

  grpc(header: string): string | undefined {
    return this.isHttp
      ? (this.response.map(RESPONSE.responseTrailers).get(header) ??
          this.response.map(RESPONSE.responseHeaders).get(header))
      : undefined;
  }

  /** What pilot says of Istio's standard metrics; undefined where they are not asked for. */
  get metrics(): string | undefined {
    if (!this.isHttp) return this.common.map(COMMON.customTags).get(METRICS);
    return this.#metadata.strings(this.common, METRICS).get(this.reporter.kind === "inbound" ? "SERVER" : "CLIENT");
  }

  /** A value that the proxy found for a label of its own. */
  label(number: number): string {
    return this.common.map(COMMON.customTags).get(`istio.label.${number}`) ?? "";
  }

  connectionBytes(field: number): number | undefined {
    return this.isHttp ? undefined : this.request.number(field);
  }
}
