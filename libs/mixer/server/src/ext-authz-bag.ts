import { AttributeBag, type AttributeValue, type Layout, parseIp, type StringMap } from "@xebec/model-attributes";
import { MessageView } from "./message-view.ts";
import { type PeerInfo, type PeerRole, peerAttribute, principalText, UNKNOWN_PEER } from "./peer.ts";
import { fromText, orAbsent, originIp, protocolOf, queryParams, urlPath } from "./request-attributes.ts";
import { SocketAddressReader } from "./socket-address.ts";
import type { WorkloadIndex } from "./workload-index.ts";

type Loader = (bag: ExtAuthzBag) => AttributeValue | undefined;

/** How each attribute is read from envoy.service.auth.v3.CheckRequest; field numbers are those of AttributeContext. */
const LOADERS: Readonly<Record<string, Loader>> = {
  "source.ip": (bag) => parseIp(bag.address("source").ip),
  "source.principal": (bag) => orAbsent(bag.principal("source")),
  "source.user": (bag) => orAbsent(bag.principal("source")),
  "destination.ip": (bag) => parseIp(bag.address("destination").ip),
  "destination.port": (bag) => bag.address("destination").port || undefined,
  "destination.principal": (bag) => orAbsent(bag.principal("destination")),
  "origin.ip": (bag) => originIp(bag.headers.get("x-forwarded-for"), bag.address("source").ip),
  "request.headers": (bag) => (bag.isHttp ? bag.headers : undefined),
  "request.id": (bag) => bag.headers.get("x-request-id") ?? orAbsent(bag.http.text(1)),
  "request.method": (bag) => orAbsent(bag.http.text(2)),
  "request.path": (bag) => orAbsent(bag.http.text(4)),
  "request.url_path": (bag) => orAbsent(urlPath(bag.http.text(4))),
  "request.query_params": (bag) => (bag.isHttp ? queryParams(bag.http.text(4)) : undefined),
  "request.host": (bag) => orAbsent(bag.http.text(5)),
  "request.scheme": (bag) => orAbsent(bag.http.text(6)),
  "request.useragent": (bag) => bag.headers.get("user-agent"),
  "request.referer": (bag) => bag.headers.get("referer"),
  "request.time": (bag) => (bag.isHttp ? bag.request.time(1) : undefined),
  "context.time": (bag) => bag.request.time(1),
  "context.protocol": (bag) => (bag.isHttp ? protocolOf(bag.headers.get("content-type")) : "tcp"),
  "context.reporter.kind": () => "inbound",
  "context.reporter.uid": (bag) => bag.peer(bag.reporterSide)?.uid,
  "connection.mtls": (bag) => bag.principal("source") !== "",
  "connection.requested_server_name": (bag) => orAbsent(bag.serverName),
  // A service and the workloads behind it are in one namespace; so the reporter's side is known without its pod.
  "destination.namespace": (bag) =>
    bag.peer("destination")?.namespace ?? bag.inboundServiceNamespace ?? UNKNOWN_PEER.namespace,
};

/** A bag over a request of Envoy's ext_authz filter. */
export class ExtAuthzBag extends AttributeBag {
  readonly #index: WorkloadIndex;
  readonly #loaders: (Loader | undefined)[];
  readonly #message = new MessageView(1);
  readonly #context = new MessageView(13);
  readonly #peers = { source: new MessageView(5), destination: new MessageView(5) };
  readonly #addresses = { source: new SocketAddressReader(), destination: new SocketAddressReader() };
  readonly #tls = new MessageView(1);
  readonly request: MessageView = new MessageView(2);
  readonly http: MessageView = new MessageView(13);
  #extensions: StringMap | undefined;
  #headers: StringMap | undefined;
  isHttp = false;

  constructor(layout: Layout, index: WorkloadIndex) {
    super(layout);
    this.#index = index;
    this.#loaders = layout.names.map((name) => {
      const known = LOADERS[name];
      if (known) return known;
      const peer = peerAttribute(name);
      return peer && ((bag) => peer.read(bag.peer(peer.side)));
    });
  }

  /** Takes a request. @throws XebecError invalid_argument when it is no CheckRequest */
  start(bytes: Buffer): void {
    this.forget();
    this.#message.read(bytes, 0, bytes.length);
    this.#message.message(1, this.#context);
    for (const [side, field] of [
      ["source", 1],
      ["destination", 2],
    ] as const) {
      this.#context.message(field, this.#peers[side]);
      this.#addresses[side].read(this.#peers[side], 1);
    }
    this.#context.message(4, this.request);
    this.isHttp = this.request.message(2, this.http);
    this.#headers = undefined;
    this.#extensions = undefined;
  }

  protected override load(slot: number): AttributeValue | undefined {
    const own = this.extension(this.layout.names[slot] as string);
    if (own !== undefined) return fromText(this.layout.types[slot] ?? "STRING", own);
    return this.#loaders[slot]?.(this);
  }

  /** What pilot attached to the route under an attribute's name. */
  extension(name: string): string | undefined {
    this.#extensions ??= this.#context.map(10);
    return this.#extensions.get(name);
  }

  get headers(): StringMap {
    this.#headers ??= this.http.map(3);
    return this.#headers;
  }

  get serverName(): string {
    return this.#context.message(12, this.#tls) ? this.#tls.text(1) : "";
  }

  get reporterSide(): PeerRole {
    return this.extension("context.reporter.kind") === "outbound" ? "source" : "destination";
  }

  get inboundServiceNamespace(): string | undefined {
    return this.reporterSide === "destination" ? this.extension("destination.service.namespace") : undefined;
  }

  address(side: PeerRole): SocketAddressReader {
    return this.#addresses[side];
  }

  principal(side: PeerRole): string {
    return principalText(this.#peers[side].text(4));
  }

  peer(side: PeerRole): PeerInfo | undefined {
    const uid = this.extension(`${side}.uid`);
    if (uid !== undefined) return this.#index.byUid(uid);
    // Before the call is routed, the address on the far side is that of a service.
    if (side === "destination" && this.reporterSide === "source") return undefined;
    return this.#index.byIpAndPrincipal(this.#addresses[side].ip, this.principal(side));
  }
}
