import {
  AttributeBag,
  type AttributeValue,
  type Layout,
  type StringMap,
  type Timestamp,
} from "@xebec/model-attributes";
import { type AccessLogLoader, LOADERS } from "./access-log-attributes.ts";
import type { AccessLogEntry, EntryAddress, EntryNumber, EntryText, Reporter } from "./access-log-entry.ts";
import { DestinationServiceResolver } from "./destination-service.ts";
import { type PeerInfo, type PeerRole, peerAttribute, principalText } from "./peer.ts";
import { fromText } from "./request-attributes.ts";
import type { ServiceView, WorkloadIndex } from "./workload-index.ts";

const NO_REPORTER: Reporter = { kind: "inbound", peer: undefined };

/** A bag over one entry of an access log of Envoy's: what holds for both protocols in which entries come. */
export abstract class EntryBag extends AttributeBag implements AccessLogEntry {
  readonly #index: WorkloadIndex;
  readonly #called: DestinationServiceResolver;
  readonly #loaders: (AccessLogLoader | undefined)[];
  reporter: Reporter = NO_REPORTER;
  isHttp = true;
  event: "open" | "close" = "close";
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
        const text = bag.tag(name);
        return text === undefined ? undefined : fromText(type, text);
      };
    });
  }

  /** Another entry is read from now on. */
  protected begin(reporter: Reporter, isHttp: boolean): void {
    this.forget();
    this.reporter = reporter;
    this.isHttp = isHttp;
    this.event = "close";
    this.#serviceKnown = false;
    this.#peersKnown = false;
    this.#principals.source = undefined;
    this.#principals.destination = undefined;
  }

  /** Has the same connection say once more what becomes of it. */
  turnTo(event: "open" | "close"): void {
    this.forget();
    this.event = event;
  }

  protected override load(slot: number): AttributeValue | undefined {
    return this.#loaders[slot]?.(this);
  }

  /** What is known of workloads comes from the bucket `workloads`; no proxy sends it. */
  protected override isFound(slot: number): boolean {
    const name = this.layout.names[slot] as string;
    return LOADERS[name] === undefined && peerAttribute(name) !== undefined;
  }

  abstract text(name: EntryText): string;
  abstract number(name: EntryNumber): number;
  abstract readonly startTime: Timestamp | undefined;
  abstract tag(name: string): string | undefined;
  abstract address(side: PeerRole): EntryAddress;
  /** The URI in the certificate of a side; empty when there is none. */
  protected abstract certificateUri(side: PeerRole): string;
  abstract readonly method: string;
  abstract readonly path: string;
  abstract readonly requestHeaders: StringMap;
  abstract readonly responseHeaders: StringMap;
  abstract readonly contentType: string | undefined;
  abstract readonly responseCode: number;
  abstract readonly duration: number | undefined;
  abstract readonly flags: string;
  abstract grpc(header: string): string | undefined;
  abstract readonly metrics: string | undefined;
  abstract label(number: number): string;

  principal(side: PeerRole): string {
    let text = this.#principals[side];
    if (text === undefined) {
      text = principalText(this.certificateUri(side));
      this.#principals[side] = text;
    }
    return text;
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

  get endTime(): Timestamp | undefined {
    const start = this.startTime;
    const { duration } = this;
    if (!start || duration === undefined) return undefined;
    const nanos = start.nanos + duration;
    return { seconds: start.seconds + Math.floor(nanos / 1e9), nanos: nanos % 1e9 };
  }

  connectionBytes(name: "receivedBytes" | "sentBytes"): number | undefined {
    if (this.isHttp) return undefined;
    return this.event === "open" ? 0 : this.number(name);
  }

  /** The headers that every entry has, by name. */
  protected standardHeaders(): Map<string, string> {
    const headers = new Map<string, string>();
    for (const [name, text] of [
      [":method", this.method],
      [":authority", this.text("authority")],
      [":path", this.path],
      [":scheme", this.text("scheme")],
      ["user-agent", this.text("userAgent")],
      ["referer", this.text("referer")],
      ["x-forwarded-for", this.text("forwardedFor")],
      ["x-request-id", this.text("requestId")],
    ] as const)
      if (text !== "") headers.set(name, text);
    return headers;
  }
}
