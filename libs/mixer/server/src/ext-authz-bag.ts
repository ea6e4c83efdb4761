import {
  AttributeContext_HttpRequestSchema,
  AttributeContext_PeerSchema,
  AttributeContext_RequestSchema,
  AttributeContext_TLSSessionSchema,
  AttributeContextSchema,
} from "@xebec/api-envoy/envoy/service/auth/v3/attribute_context";
import { CheckRequestSchema } from "@xebec/api-envoy/envoy/service/auth/v3/external_auth";
import { AttributeBag, type AttributeValue, type Layout, parseIp, type StringMap } from "@xebec/model-attributes";
import { fieldNumbers } from "@xebec/model-attributes/wire";
import { MessageView } from "./message-view.ts";
import { type PeerInfo, type PeerRole, peerAttribute, principalText, UNKNOWN_PEER } from "./peer.ts";
import { fromText, orAbsent, originIp, protocolOf, queryParams, urlPath } from "./request-attributes.ts";
import { SocketAddressReader } from "./socket-address.ts";
import type { WorkloadIndex } from "./workload-index.ts";

const CHECK = fieldNumbers(CheckRequestSchema);
const CONTEXT = fieldNumbers(AttributeContextSchema);
const PEER = fieldNumbers(AttributeContext_PeerSchema);
const REQUEST = fieldNumbers(AttributeContext_RequestSchema);
const HTTP = fieldNumbers(AttributeContext_HttpRequestSchema);
const TLS = fieldNumbers(AttributeContext_TLSSessionSchema);

type Loader = (bag: ExtAuthzBag) => AttributeValue | undefined;

/** How each attribute is read from envoy.service.auth.v3.CheckRequest. */
const LOADERS: Readonly<Record<string, Loader>> = {
  "source.ip": (bag) => parseIp(bag.address("source").ip),
  "source.principal": (bag) => orAbsent(bag.principal("source")),
  "source.user": (bag) => orAbsent(bag.principal("source")),
  "destination.ip": (bag) => parseIp(bag.address("destination").ip),
  "destination.port": (bag) => bag.address("destination").port || undefined,
  "destination.principal": (bag) => orAbsent(bag.principal("destination")),
  "origin.ip": (bag) => originIp(bag.headers.get("x-forwarded-for"), bag.address("source").ip),
  "request.headers": (bag) => (bag.isHttp ? bag.headers : undefined),
  "request.id": (bag) => bag.headers.get("x-request-id") ?? orAbsent(bag.http.text(HTTP.id)),
  "request.method": (bag) => orAbsent(bag.http.text(HTTP.method)),
  "request.path": (bag) => orAbsent(bag.http.text(HTTP.path)),
  "request.url_path": (bag) => orAbsent(urlPath(bag.http.text(HTTP.path))),
  "request.query_params": (bag) => (bag.isHttp ? queryParams(bag.http.text(HTTP.path)) : undefined),
  "request.host": (bag) => orAbsent(bag.http.text(HTTP.host)),
  "request.scheme": (bag) => orAbsent(bag.http.text(HTTP.scheme)),
  "request.useragent": (bag) => bag.headers.get("user-agent"),
  "request.referer": (bag) => bag.headers.get("referer"),
  "request.time": (bag) => (bag.isHttp ? bag.request.time(REQUEST.time) : undefined),
  "context.time": (bag) => bag.request.time(REQUEST.time),
  "context.protocol": (bag) => (bag.isHttp ? protocolOf(bag.headers.get("content-type")) : "tcp"),
  "context.reporter.kind": () => "inbound",
  "context.reporter.uid": (bag) => bag.peer(bag.reporterSide)?.uid,
  "destination.service.name": (bag) => bag.kubernetesService?.name,
  "destination.service.namespace": (bag) => bag.kubernetesService?.namespace,
  "destination.service.uid": (bag) => bag.kubernetesService?.uid,
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
  readonly #message = new MessageView(CheckRequestSchema);
  readonly #context = new MessageView(AttributeContextSchema);
  readonly #peers = {
    source: new MessageView(AttributeContext_PeerSchema),
    destination: new MessageView(AttributeContext_PeerSchema),
  };
  readonly #addresses = { source: new SocketAddressReader(), destination: new SocketAddressReader() };
  readonly #tls = new MessageView(AttributeContext_TLSSessionSchema);
  readonly request: MessageView = new MessageView(AttributeContext_RequestSchema);
  readonly http: MessageView = new MessageView(AttributeContext_HttpRequestSchema);
  #extensions: StringMap | undefined;
  #headers: StringMap | undefined;
  #called: ((name: string) => string | undefined) | undefined;
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

  /**
   * Takes a request.
   * @param called metadata of the call: of a connection without HTTP it says which service is called
   * @throws XebecError invalid_argument when it is not a CheckRequest
   */
  start(bytes: Buffer, called?: (name: string) => string | undefined): void {
    this.forget();
    this.#called = called;
    this.#message.read(bytes, 0, bytes.length);
    this.#message.message(CHECK.attributes, this.#context);
    for (const [side, field] of [
      ["source", CONTEXT.source],
      ["destination", CONTEXT.destination],
    ] as const) {
      this.#context.message(field, this.#peers[side]);
      this.#addresses[side].read(this.#peers[side], PEER.address);
    }
    this.#context.message(CONTEXT.request, this.request);
    this.isHttp = this.request.message(REQUEST.http, this.http);
    this.#headers = undefined;
    this.#extensions = undefined;
  }

  protected override load(slot: number): AttributeValue | undefined {
    const own = this.extension(this.layout.names[slot] as string);
    if (own !== undefined) return fromText(this.layout.types[slot] ?? "STRING", own);
    return this.#loaders[slot]?.(this);
  }

  /** What is known of workloads comes from the bucket `workloads`; no proxy sends it. */
  protected override isFound(slot: number): boolean {
    const name = this.layout.names[slot] as string;
    return peerAttribute(name) !== undefined && this.extension(name) === undefined;
  }

  /** What pilot attached to the route under an attribute's name. */
  extension(name: string): string | undefined {
    this.#extensions ??= this.#context.map(CONTEXT.contextExtensions);
    const given = this.#extensions.get(name);
    if (given !== undefined || this.isHttp || !name.startsWith("destination.service.")) return given;
    return this.#called?.(name);
  }

  get headers(): StringMap {
    this.#headers ??= this.http.map(HTTP.headers);
    return this.#headers;
  }

  get serverName(): string {
    return this.#context.message(CONTEXT.tlsSession, this.#tls) ? this.#tls.text(TLS.sni) : "";
  }

  get reporterSide(): PeerRole {
    return this.extension("context.reporter.kind") === "outbound" ? "source" : "destination";
  }

  get inboundServiceNamespace(): string | undefined {
    if (this.reporterSide !== "destination") return undefined;
    return this.extension("destination.service.namespace") ?? this.kubernetesService?.namespace;
  }

  /** What the host says of the called service, where pilot gives nothing else: `NAME.NAMESPACE.svc.DOMAIN`. */
  get kubernetesService(): { readonly name: string; readonly namespace: string; readonly uid: string } | undefined {
    const [name, namespace, svc] = (this.extension("destination.service.host") ?? "").split(".", 3);
    if (!name || !namespace || svc !== "svc") return undefined;
    return { name, namespace, uid: `istio://${namespace}/services/${name}` };
  }

  address(side: PeerRole): SocketAddressReader {
    return this.#addresses[side];
  }

  principal(side: PeerRole): string {
    return principalText(this.#peers[side].text(PEER.principal));
  }

  peer(side: PeerRole): PeerInfo | undefined {
    const uid = this.extension(`${side}.uid`);
    if (uid !== undefined) return this.#index.byUid(uid);
    // Before the call is routed, the address on the far side is that of a service.
    if (side === "destination" && this.reporterSide === "source") return undefined;
    return this.#index.byIpAndPrincipal(this.#addresses[side].ip, this.principal(side));
  }
}
