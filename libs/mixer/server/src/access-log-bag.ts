import {
  AttributeBag,
  type AttributeValue,
  type Layout,
  parseIp,
  type StringMap,
  type Timestamp,
} from "@xebec/model-attributes";
import { MessageView } from "./message-view.ts";
import { type Peer, peerAttribute, principalText, type Side } from "./peer.ts";
import { ExtendedMap, fromText, originIp, protocolOf, queryParams, urlPath } from "./request-attributes.ts";
import { responseFlagsText } from "./response-flags.ts";
import { SocketAddressReader } from "./socket-address.ts";
import type { ServiceView, WorkloadIndex } from "./workload-index.ts";

/** The proxy that sends a stream of access logs. */
export interface Reporter {
  readonly kind: "inbound" | "outbound";
  /** Its own workload: the destination of inbound entries, the source of outbound ones. */
  readonly peer: Peer | undefined;
}

type Loader = (bag: AccessLogBag) => AttributeValue | undefined;
const orAbsent = (text: string | undefined): string | undefined => (text === "" ? undefined : text);

const METHODS = ["", "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

/** How each attribute is read from an access-log entry of Envoy; field numbers are those of envoy.data.accesslog.v3. */
const LOADERS: Readonly<Record<string, Loader>> = {
  "source.ip": (bag) => parseIp(bag.address("source").ip),
  "source.principal": (bag) => orAbsent(bag.principal("source")),
  "source.user": (bag) => orAbsent(bag.principal("source")),
  "destination.ip": (bag) => parseIp(bag.address("destination").ip),
  "destination.port": (bag) => bag.address("destination").port || undefined,
  "destination.principal": (bag) => orAbsent(bag.principal("destination")),
  "destination.service.host": (bag) => bag.serviceView?.host,
  "destination.service.name": (bag) => bag.serviceView?.name,
  "destination.service.namespace": (bag) => orAbsent(bag.serviceView?.namespace),
  "destination.service": (bag) => bag.serviceView?.host,
  "destination.service.uid": (bag) => {
    const view = bag.serviceView;
    return view?.namespace ? `istio://${view.namespace}/services/${view.name}` : undefined;
  },
  "origin.ip": (bag) => originIp(bag.request.text(8), bag.address("source").ip),
  "request.id": (bag) => orAbsent(bag.request.text(9)),
  "request.method": (bag) => orAbsent(bag.method),
  "request.path": (bag) => orAbsent(bag.path),
  "request.url_path": (bag) => orAbsent(urlPath(bag.path)),
  "request.query_params": (bag) => (bag.isHttp ? queryParams(bag.path) : undefined),
  "request.host": (bag) => orAbsent(bag.request.text(3)),
  "request.scheme": (bag) => orAbsent(bag.request.text(2)),
  "request.useragent": (bag) => orAbsent(bag.request.text(6)),
  "request.referer": (bag) => orAbsent(bag.request.text(7)),
  "request.headers": (bag) => (bag.isHttp ? bag.requestHeaders : undefined),
  "request.time": (bag) => (bag.isHttp ? bag.common.time(5) : undefined),
  "request.size": (bag) => (bag.isHttp ? bag.request.number(12) : undefined),
  "request.total_size": (bag) => (bag.isHttp ? bag.request.number(11) + bag.request.number(12) : undefined),
  "response.headers": (bag) => (bag.isHttp ? bag.response.map(4) : undefined),
  "response.code": (bag) => (bag.isHttp ? bag.responseCode : undefined),
  "response.size": (bag) => (bag.isHttp ? bag.response.number(3) : undefined),
  "response.total_size": (bag) => (bag.isHttp ? bag.response.number(2) + bag.response.number(3) : undefined),
  "response.duration": (bag) => (bag.isHttp ? bag.duration : undefined),
  "response.time": (bag) => (bag.isHttp ? bag.endTime : undefined),
  "response.grpc_status": (bag) => bag.grpc("grpc-status"),
  "response.grpc_message": (bag) => bag.grpc("grpc-message"),
  "connection.mtls": (bag) => bag.reporter.kind === "inbound" && bag.principal("source") !== "",
  "connection.requested_server_name": (bag) => orAbsent(bag.tls.text(3)),
  "connection.id": (bag) => (bag.isHttp ? undefined : orAbsent(bag.common.text(26))),
  "connection.event": (bag) => (bag.isHttp ? undefined : "close"),
  "connection.duration": (bag) => (bag.isHttp ? undefined : bag.duration),
  "connection.received.bytes": (bag) => bag.connectionBytes(1),
  "connection.received.bytes_total": (bag) => bag.connectionBytes(1),
  "connection.sent.bytes": (bag) => bag.connectionBytes(2),
  "connection.sent.bytes_total": (bag) => bag.connectionBytes(2),
  "context.protocol": (bag) => (bag.isHttp ? protocolOf(bag.contentType) : "tcp"),
  "context.time": (bag) => bag.common.time(5),
  "context.proxy_error_code": (bag) => bag.flags,
  "context.reporter.kind": (bag) => bag.reporter.kind,
  "context.reporter.uid": (bag) => bag.reporter.peer?.uid,
};

/** A bag over one entry of Envoy's gRPC access log. */
export class AccessLogBag extends AttributeBag {
  readonly #index: WorkloadIndex;
  readonly #loaders: (Loader | undefined)[];
  readonly #entry = new MessageView(4);
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
  #source: Peer | undefined;
  #destination: Peer | undefined;
  #peersKnown = false;
  #principals: { source: string | undefined; destination: string | undefined } = {
    source: undefined,
    destination: undefined,
  };
  /** Services by host that no registry has, so that each is made once. */
  readonly #unknown = new Map<string, ServiceView>();

  constructor(layout: Layout, index: WorkloadIndex) {
    super(layout);
    this.#index = index;
    this.#loaders = layout.names.map((name, slot) => {
      const type = layout.types[slot] ?? "STRING";
      const own = LOADERS[name];
      if (own) return own;
      const peer = peerAttribute(name);
      if (peer)
        return (bag) => {
          const found = bag.peer(peer.side);
          return found && peer.read(found);
        };
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
    this.#serviceKnown = false;
    this.#peersKnown = false;
    this.#principals.source = undefined;
    this.#principals.destination = undefined;
  }

  protected override load(slot: number): AttributeValue | undefined {
    return this.#loaders[slot]?.(this);
  }

  /** Inbound: the caller and the pod. Outbound: this side of the connection to the upstream, and the upstream. */
  address(side: Side): SocketAddressReader {
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

  principal(side: Side): string {
    let text = this.#principals[side];
    if (text === undefined) {
      text = this.#readPrincipal(side);
      this.#principals[side] = text;
    }
    return text;
  }

  #readPrincipal(side: Side): string {
    if (this.reporter.kind === "outbound")
      return principalText(this.common.map(22).get(`${side}.principal.upstream`) ?? "");
    if (!this.tls.message(side === "source" ? 5 : 4, this.#certificate)) return "";
    let uri = "";
    this.#certificate.forEach(1, (pos, end) => {
      if (uri === "") uri = this.#name.read(this.#certificate.bytes, pos, end).text(1);
    });
    return principalText(uri);
  }

  peer(side: Side): Peer | undefined {
    if (!this.#peersKnown) {
      this.#peersKnown = true;
      const { kind, peer } = this.reporter;
      const far: Side = kind === "inbound" ? "source" : "destination";
      const other = this.#index.byIpAndPrincipal(this.address(far).ip, this.principal(far));
      this.#source = kind === "inbound" ? other : peer;
      this.#destination = kind === "inbound" ? peer : other;
    }
    return side === "source" ? this.#source : this.#destination;
  }

  /** The service that was called: by the cluster's name, else by the SNI, the host, or the pod that answered. */
  get serviceView(): ServiceView | undefined {
    if (!this.#serviceKnown) {
      this.#serviceKnown = true;
      this.#service = this.#findService();
    }
    return this.#service;
  }

  #findService(): ServiceView | undefined {
    // outbound|PORT|SUBSET|HOST or inbound|PORT||HOST
    const cluster = this.common.text(15);
    const bar = cluster.lastIndexOf("|");
    if (bar > 0 && bar < cluster.length - 1) return this.#serviceOf(cluster.slice(bar + 1));
    const inbound = this.reporter.kind === "inbound";
    const sni = inbound ? hostOfServerName(this.tls.text(3)) : "";
    if (sni !== "") return this.#serviceOf(sni);
    const host = this.request.text(3).replace(/:\d+$/, "");
    const known = host ? this.#index.service(host, this.reporter.peer?.namespace) : undefined;
    if (known) return known;
    const { ip, port } = this.address("destination");
    return inbound && ip ? this.#index.serviceOfPod(ip, port) : undefined;
  }

  #serviceOf(host: string): ServiceView {
    const known = this.#index.service(host) ?? this.#unknown.get(host);
    if (known) return known;
    const parts = host.split(".");
    const view =
      parts[2] === "svc" && parts[0] && parts[1]
        ? { host, name: parts[0], namespace: parts[1] }
        : { host, name: host, namespace: "" };
    if (this.#unknown.size >= 1000) this.#unknown.clear();
    this.#unknown.set(host, view);
    return view;
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
    return new ExtendedMap(extra, request.map(13));
  }

  get contentType(): string | undefined {
    return this.request.map(13).get("content-type") ?? this.response.map(4).get("content-type");
  }

  get responseCode(): number {
    return this.response.message(1, this.#number) ? this.#number.number(1) : 0;
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

/** The host in Istio's server name `outbound_.PORT_.SUBSET_.HOST`; "" for other names. */
function hostOfServerName(name: string): string {
  if (!name.startsWith("outbound_.")) return "";
  const subset = name.indexOf("_.", 10);
  const host = subset < 0 ? -1 : name.indexOf("_.", subset + 2);
  return host < 0 ? "" : name.slice(host + 2);
}
