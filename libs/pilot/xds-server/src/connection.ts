import { logger } from "@xebec/core-log";
import {
  diffOf,
  EMPTY_SET,
  type Generator,
  type MeshProxy,
  type ProxyView,
  type ResourceSet,
  resourceSet,
  SHORT_NAME,
  typeOfUrl,
  type XdsType,
} from "@xebec/pilot-xds-gen";
import type { RawStream } from "@xebec/platform-grpc";
import type { NameSets } from "./name-sets.ts";
import { holdBack, releaseSuspects, withoutHeld } from "./quarantine.ts";
import type { XdsRequest } from "./request.ts";
import { deltaResponse, discoveryResponse, type MessageCache } from "./response.ts";
import { Subscription } from "./subscription.ts";
import type { WriteBudget } from "./write-budget.ts";

const log = logger("ads");

/** The order in which changes reach a proxy, so that nothing refers to what is not there yet. */
const PUSH_ORDER: readonly XdsType[] = ["cluster", "endpoint", "listener", "route"];

/** What a connection shares with all others. */
export interface Shared {
  readonly generator: () => Generator | undefined;
  readonly names: NameSets;
  readonly messages: MessageCache;
  readonly budget: WriteBudget;
  /** Called for each message sent. */
  onSent(type: XdsType, bytes: number): void;
  onAck(connection: Connection, type: XdsType): void;
  onNack(connection: Connection, type: XdsType, message: string, origins: readonly string[]): void;
  onExpiredNonce(type: XdsType): void;
  /** Called when the proxy did not take what it was sent; its stream is over. */
  onStalled(connection: Connection): void;
  /** Does something for a connection; a fault ends its stream and reaches nobody else. */
  guarded(connection: Connection, work: () => void): void;
}

/**
 * One proxy's stream, in either protocol. It owns what the proxy subscribed to, has and accepted; `advance` sends what is due
 * now. One message of a type is under way at a time, so a slow proxy skips versions instead of queueing them.
 */
export class Connection {
  readonly id: string;
  readonly proxy: MeshProxy;
  readonly connectedAt = new Date();
  readonly delta: boolean;
  readonly subscriptions = new Map<XdsType, Subscription>();
  readonly #stream: RawStream;
  readonly #shared: Shared;
  #view: ProxyView | undefined;
  #viewOf: unknown;
  #congested = false;
  /** Numbers the messages that repeat resources: their nonces must differ. */
  #again = 0;

  constructor(id: string, proxy: MeshProxy, delta: boolean, stream: RawStream, shared: Shared) {
    this.id = id;
    this.proxy = proxy;
    this.delta = delta;
    this.#stream = stream;
    this.#shared = shared;
    stream.onDrain(() => {
      this.#congested = false;
      this.wake();
    });
  }

  /** There is room for more: sends what is due. Whoever made the room is not concerned by a fault in it. */
  wake(): void {
    this.#shared.guarded(this, () => this.advance());
  }

  /** The proxy takes nothing of what was written: ends the stream, so that it holds no memory. */
  stalled(): void {
    this.#stream.abort();
    this.#shared.onStalled(this);
  }

  /** The class of proxies that it belongs to, as of the current snapshot. */
  view(generator: Generator): ProxyView {
    const marks = generator.snapshot.selectorLabels;
    if (!this.#view || this.#viewOf !== marks) {
      this.#view = generator.view(this.proxy);
      this.#viewOf = marks;
    }
    return this.#view;
  }

  /** Ends the stream with an error; the proxy will come back. */
  fail(error: unknown): void {
    this.#stream.fail(error);
  }

  /** How many bytes of a request, from `at` on, are the names of an earlier one. */
  repeatedNames(request: Buffer, at: number): number {
    for (const { requested } of this.subscriptions.values()) {
      const { length } = requested.bytes;
      if (
        length > 0 &&
        request.length - at >= length &&
        request.compare(requested.bytes, 0, length, at, at + length) === 0
      )
        return length;
    }
    return 0;
  }

  /** Takes a request: a subscription, a change of one, an acknowledgement or a refusal. */
  receive(request: XdsRequest): void {
    const type = typeOfUrl(request.typeUrl);
    if (!type) {
      log.debug(
        { proxy: this.id, typeUrl: request.typeUrl.slice(0, 200) },
        "a type that is not served; the request is ignored",
      );
      return;
    }
    let sub = this.subscriptions.get(type);
    const isNew = !sub || request.nonce === "";
    if (!sub) {
      sub = new Subscription(type);
      this.subscriptions.set(type, sub);
    }
    if (request.nonce !== "" && request.nonce !== sub.lastNonce && !sub.fresh) {
      // An answer to a message that was overtaken. Only a change of names in it still counts.
      this.#shared.onExpiredNonce(type);
      if (!this.delta) return;
    } else if (request.nonce !== "" && request.nonce === sub.inFlight) this.#answered(sub, request);
    const namesChanged = this.delta ? this.#deltaNames(sub, request, isNew) : this.#sotwNames(sub, request);
    if (isNew && !this.delta && request.nonce === "" && !sub.fresh) {
      // The client starts this type over: it has nothing any more.
      sub.sent = sub.acked = EMPTY_SET;
      sub.inFlight = "";
      sub.fresh = true;
    }
    if (namesChanged || sub.fresh || sub.inFlight === "") this.advance();
  }

  #answered(sub: Subscription, request: XdsRequest): void {
    sub.inFlight = "";
    sub.answered = true;
    if (!request.error) {
      sub.acked = sub.sent;
      sub.ackedNonce = request.nonce;
      sub.lastError = sub.quarantine.size > 0 ? sub.lastError : "";
      this.#shared.onAck(this, sub.type);
      releaseSuspects(sub);
      return;
    }
    const guilty = holdBack(sub, request.error.message);
    sub.lastError = request.error.message;
    // What the proxy has now is what it accepted before; all but the culprits is sent again from there.
    const origins = [
      ...new Set((guilty.length > 0 ? guilty : diffOf(sub.acked, sub.sent).changed).flatMap((each) => each.origins)),
    ];
    sub.sent = sub.acked;
    this.#shared.onNack(this, sub.type, request.error.message, origins);
  }

  #sotwNames(sub: Subscription, request: XdsRequest): boolean {
    if (isWildcard(sub.type)) return false;
    if (Buffer.compare(sub.requested.bytes, request.nameBytes) === 0) return false;
    const before = sub.names;
    sub.requested = this.#shared.names.ofBytes(request.nameBytes, request.names);
    sub.names = sub.requested.set;
    if (sub.names === before) return false;
    // Names that were given up and come back must be answered: Envoy forgot them.
    this.#forget(sub);
    return true;
  }

  #deltaNames(sub: Subscription, request: XdsRequest, isNew: boolean): boolean {
    if (request.initialVersions.size > 0 && sub.fresh) sub.sent = sub.acked = claimed(request);
    if (isWildcard(sub.type) || (request.subscribe.length === 0 && request.unsubscribe.length === 0 && !isNew))
      return false;
    const names = new Set(sub.names?.names);
    if (sub.names === undefined) for (const name of request.initialVersions.keys()) names.add(name);
    for (const name of request.unsubscribe) names.delete(name);
    for (const name of request.subscribe) {
      // Asked for again: answered again, also when it did not change.
      if (names.has(name) && sub.sent.resources.has(name)) sub.resend.add(name);
      names.add(name);
    }
    sub.names = this.#shared.names.of(names);
    this.#forget(sub);
    return true;
  }

  #forget(sub: Subscription): void {
    const wanted = new Set(sub.names?.names);
    const keep = (set: ResourceSet): ResourceSet =>
      [...set.resources.keys()].every((name) => wanted.has(name))
        ? set
        : resourceSet([...set.resources.values()].filter((each) => wanted.has(each.name)));
    const same = sub.acked === sub.sent;
    sub.sent = keep(sub.sent);
    sub.acked = same ? sub.sent : keep(sub.acked);
  }

  /**
   * Sends what is due, in the safe order. Endpoints follow their clusters at once: Envoy acknowledges clusters only when they
   * are warm, and to become warm they need their endpoints. So the acknowledgement is the sign that listeners and routes may
   * lead there.
   */
  advance(): void {
    const generator = this.#shared.generator();
    if (!generator || this.#stream.closed || this.#congested) return;
    const view = this.view(generator);
    let settled = true;
    /** Clusters that are about to go: routes may still lead to them, so their endpoints stay until then. */
    let departing: readonly string[] = [];
    for (const type of PUSH_ORDER) {
      const sub = this.subscriptions.get(type);
      if (!sub || !isAsked(sub)) continue;
      // The first answers of a new stream need not wait for each other: the proxy asks in the right order itself.
      if (!settled && (type === "listener" || type === "route") && !this.#starting()) return;
      const target = withoutHeld(sub, generator.resources(type, this.proxy, view, sub.names));
      if (type === "cluster") departing = sub.fresh ? [] : diffOf(sub.sent, target).removed;
      if (sub.inFlight !== "") {
        settled = false;
        continue;
      }
      const due = type === "endpoint" ? keeping(sub, target, departing) : this.#withRemovals(sub, target);
      if (this.#send(sub, due, view)) settled = false;
      if (this.#congested) return;
    }
    if (settled) this.#releaseRemovals();
  }

  /** True until every type that the proxy subscribed to was answered once. */
  #starting(): boolean {
    for (const sub of this.subscriptions.values()) if (!sub.answered && isAsked(sub)) return true;
    return false;
  }

  /** Clusters are removed only after routes and listeners that no longer use them were accepted. */
  #withRemovals(sub: Subscription, target: ResourceSet): ResourceSet {
    if (sub.type !== "cluster" || sub.fresh) return target;
    const { removed, changed } = diffOf(sub.sent, target);
    if (removed.length === 0) {
      sub.removalsHeld = false;
      return target;
    }
    if (sub.removalsHeld && changed.length === 0) return sub.sent;
    sub.removalsHeld = true;
    if (changed.length === 0) return sub.sent;
    const kept = removed.map((name) => sub.sent.resources.get(name)).filter((each) => each !== undefined);
    return resourceSet([...target.resources.values(), ...kept]);
  }

  #releaseRemovals(): void {
    const sub = this.subscriptions.get("cluster");
    const generator = this.#shared.generator();
    if (!sub?.removalsHeld || !generator) return;
    sub.removalsHeld = false;
    const view = this.view(generator);
    this.#send(sub, withoutHeld(sub, generator.resources("cluster", this.proxy, view, undefined)), view);
  }

  #send(sub: Subscription, next: ResourceSet, view: ProxyView): boolean {
    const { changed, removed } = diffOf(sub.sent, next);
    const again = [...sub.resend]
      .flatMap((name) => next.resources.get(name) ?? [])
      .filter((each) => !changed.includes(each));
    sub.resend.clear();
    const whole = isWildcard(sub.type);
    // In the state-of-the-world form endpoints and routes that are gone are simply not sent any more.
    const due = changed.length > 0 || again.length > 0 || sub.fresh || (removed.length > 0 && (whole || this.delta));
    if (!due) {
      if (next.version === sub.sent.version) return false;
      sub.acked = sub.acked === sub.sent ? next : sub.acked;
      sub.sent = next;
      return false;
    }
    const message = this.#message(sub, next, changed, removed, again);
    if (!this.#shared.budget.take(this, message.bytes.length)) {
      for (const each of again) sub.resend.add(each.name);
      return true;
    }
    if (sub.type === "cluster" && !sub.fresh) this.#resendEndpoints(changed.map((each) => each.name));
    sub.sent = next;
    sub.fresh = false;
    sub.sentAt = Date.now();
    this.#shared.onSent(sub.type, message.bytes.length);
    sub.inFlight = sub.lastNonce = message.nonce;
    const size = message.bytes.length;
    if (!this.#stream.write(message.bytes, () => this.#shared.budget.give(this, size))) this.#congested = true;
    log.debug(
      {
        proxy: this.id,
        type: SHORT_NAME[sub.type],
        resources: changed.length,
        removed: removed.length,
        bytes: message.bytes.length,
        view: view.key,
      },
      "push",
    );
    return true;
  }

  /** Envoy warms a changed cluster anew and waits for its endpoints, also when they are the same. */
  #resendEndpoints(clusters: Iterable<string>): void {
    const endpoints = this.subscriptions.get("endpoint");
    for (const name of clusters) if (endpoints?.sent.resources.has(name)) endpoints.resend.add(name);
  }

  #message(
    sub: Subscription,
    next: ResourceSet,
    changed: Parameters<typeof discoveryResponse>[1],
    removed: readonly string[],
    again: Parameters<typeof discoveryResponse>[1],
  ): { readonly bytes: Buffer; readonly nonce: string } {
    const whole = !this.delta && isWildcard(sub.type);
    const resources = whole ? [...next.resources.values()] : again.length > 0 ? [...changed, ...again] : changed;
    const nonce = `${next.version}${whole ? "" : `-${sub.sent.version}`}${again.length > 0 ? `-${this.#again++}` : ""}`;
    const make = (): Buffer =>
      this.delta
        ? deltaResponse(sub.type, resources, removed, next.version, nonce)
        : discoveryResponse(sub.type, resources, next.version, nonce);
    const bytes =
      again.length > 0 ? make() : this.#shared.messages.message(next, `${sub.type}/${this.delta}/${nonce}`, make);
    return { bytes, nonce };
  }
}

/** The set with the resources of these names as they were sent last. */
function keeping(sub: Subscription, target: ResourceSet, names: readonly string[]): ResourceSet {
  const kept = names.flatMap((name) => (target.resources.has(name) ? (sub.sent.resources.get(name) ?? []) : []));
  return kept.length === 0 ? target : resourceSet([...kept, ...target.resources.values()]);
}

/** True when the client wants anything of the type: all of it, or names. */
function isAsked(sub: Subscription): boolean {
  return isWildcard(sub.type) || (sub.names?.names.length ?? 0) > 0;
}

/** Clusters and listeners are always wanted as a whole. */
function isWildcard(type: XdsType): boolean {
  return type === "cluster" || type === "listener";
}

/** What the client says it still has from an earlier stream. Only names and versions of it are ever looked at. */
function claimed(request: XdsRequest): ResourceSet {
  const versions = [...request.initialVersions];
  return resourceSet(versions.map(([name, version]) => ({ name, version, bytes: new Uint8Array(), origins: [] })));
}
