import {
  AttributeBag,
  type AttributeValue,
  type Layout,
  type StringMap,
  type Timestamp,
} from "@xebec/model-attributes";
import { type AccessLogLoader, LOADERS, METHODS } from "./access-log-attributes.ts";
import { DestinationServiceResolver } from "./destination-service.ts";
import { EntryMetadata, REQUEST_HEADERS, RESPONSE_HEADERS } from "./entry-metadata.ts";
import { MessageView } from "./message-view.ts";
import { type PeerInfo, type PeerRole, peerAttribute, principalText } from "./peer.ts";
import { ExtendedMap, fromText } from "./request-attributes.ts";
import { responseFlagsText } from "./response-flags.ts";
import { SocketAddressReader } from "./socket-address.ts";
import type { ServiceView, WorkloadIndex } from "./workload-index.ts";

/** The proxy that sends a stream of access logs. */
export interface Reporter {
  readonly kind: "inbound" | "outbound";
  /** Its own workload: the destination of inbound entries, the source of outbound ones. */
  readonly peer: PeerInfo | undefined;
}

/** A bag over one entry of Envoy's gRPC access log. */
export class AccessLogBag extends AttributeBag {
  readonly #index: WorkloadIndex;
  readonly #called: DestinationServiceResolver;
  readonly #loaders: (AccessLogLoader | undefined)[];
  readonly #entry = new MessageView(4);
  readonly #metadata = new EntryMetadata();
  readonly #addresses = { source: new SocketAddressReader(), destination: new SocketAddressReader() };
  readonly #certificate = new MessageView(1);
  readonly #name = new MessageView(2);
  readonly #flags = new MessageView(28);
  readonly #number = new MessageView(1);
  readonly common: MessageView = new MessageView(26);
  readonly request: MessageView = new MessageView(13);
  readonly response: MessageView = new MessageView(5);
  readonly tls: MessageView = new MessageView(5);
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
        const text = bag.common.map(22).get(name);
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
    this.#entry.message(1, this.common);
    this.common.message(4, this.tls);
    if (isHttp) {
      this.#entry.message(3, this.request);
      this.#entry.message(4, this.response);
    } else {
      this.#entry.message(2, this.request);
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

  /** Inbound: the caller and the pod. Outbound: this side of the connection to the upstream, and the upstream. */
  address(side: PeerRole): SocketAddressReader {
    if (!this.#addressed) {
      this.#addressed = true;
      const { source, destination } = this.#addresses;
      if (this.reporter.kind === "inbound") {
        if (!source.read(this.common, 20)) source.read(this.common, 2);
        destination.read(this.common, 3);
      } else {
        if (!source.read(this.common, 14)) source.read(this.common, 2);
        destination.read(this.common, 13);
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
      return principalText(this.common.map(22).get(`${side}.principal.upstream`) ?? "");
    if (!this.tls.message(side === "source" ? 5 : 4, this.#certificate)) return "";
    let uri = "";
    this.#certificate.forEach(1, (pos, end) => {
      if (uri === "") uri = this.#name.read(this.#certificate.bytes, pos, end).text(1);
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
    return METHODS[this.request.number(1)] ?? "";
  }

  /** The path that was asked for, before routes changed it. */
  get path(): string {
    return this.request.text(10) || this.request.text(5);
  }

  get requestHeaders(): StringMap {
    const { request } = this;
    const extra = new Map<string, string>();
    for (const [name, text] of [
      [":method", this.method],
      [":authority", request.text(3)],
      [":path", this.path],
      [":scheme", request.text(2)],
      ["user-agent", request.text(6)],
      ["referer", request.text(7)],
      ["x-forwarded-for", request.text(8)],
      ["x-request-id", request.text(9)],
    ] as const)
      if (text !== "") extra.set(name, text);
    for (const [name, text] of this.#metadata.texts(this.common, REQUEST_HEADERS)) extra.set(name, text);
    return new ExtendedMap(extra, request.map(13));
  }

  get responseHeaders(): StringMap {
    // A copy: whoever keeps the map must not see the next entry in it.
    return new ExtendedMap(new Map(this.#metadata.texts(this.common, RESPONSE_HEADERS)), this.response.map(4));
  }

  get contentType(): string | undefined {
    return (
      this.request.map(13).get("content-type") ??
      this.response.map(4).get("content-type") ??
      this.#metadata.texts(this.common, REQUEST_HEADERS).get("content-type") ??
      this.#metadata.texts(this.common, RESPONSE_HEADERS).get("content-type")
    );
  }

  /** The status; of a request that ended without a response 500, as Istio 1.1's proxy reported it. */
  get responseCode(): number {
    return (this.response.message(1, this.#number) && this.#number.number(1)) || 500;
  }

  get duration(): number | undefined {
    const time = this.common.time(23) ?? this.common.time(12);
    return time && time.seconds * 1e9 + time.nanos;
  }

  get endTime(): Timestamp | undefined {
    const start = this.common.time(5);
    const { duration } = this;
    if (!start || duration === undefined) return undefined;
    const nanos = start.nanos + duration;
    return { seconds: start.seconds + Math.floor(nanos / 1e9), nanos: nanos % 1e9 };
  }

  get flags(): string {
    return this.common.message(16, this.#flags) ? responseFlagsText(this.#flags) : "-";
  }

  grpc(header: string): string | undefined {
    return this.isHttp ? (this.response.map(5).get(header) ?? this.response.map(4).get(header)) : undefined;
  }

  connectionBytes(field: number): number | undefined {
    return this.isHttp ? undefined : this.request.number(field);
  }
}
