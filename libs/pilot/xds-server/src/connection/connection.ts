import { logger } from "@xebec/core-log";
import {
  diffOf,
  type EncodedResource,
  type Generator,
  type MeshProxy,
  type ProxyClass,
  type ResourceSet,
  SHORT_NAME,
  typeOfUrl,
  type XdsType,
} from "@xebec/pilot-xds-gen";
import type { RawStream } from "@xebec/platform-grpc";
import { isInitialVersion } from "../subscription/initial-versions.ts";
import type { NameSets } from "../subscription/name-sets.ts";
import { repeatedNames, startOver, takeDeltaNames, takeNames } from "../subscription/names.ts";
import { quarantineRejected, releaseSuspected, withoutQuarantined } from "../subscription/quarantine.ts";
import { Subscription } from "../subscription/subscription.ts";
import { type MessageCache, messageTo } from "../wire/message.ts";
import type { XdsRequest } from "../wire/request.ts";
import type { AckTimeouts } from "./ack-timeouts.ts";
import type { EarlierClusters } from "./earlier-clusters.ts";
import {
  endpointsOf,
  FOLLOWERS,
  isSubscribed,
  isWildcard,
  LEADING,
  PUSH_ORDER,
  retaining,
  withRemovals,
} from "./push-order.ts";
import type { WriteBudget } from "./write-budget.ts";

const log = logger("ads");

/** Who is at the other end of a stream. */
export type Client = Pick<Connection, "id" | "proxy" | "delta" | "clusterId" | "authenticated" | "asksClustersFirst">;

/** What a connection shares with all others. */
export interface Shared {
  readonly generator: () => Generator | undefined;
  /** Undefined when the parts of a connection's configuration are made; otherwise what to wait for. */
  readonly prepared: (connection: Connection, generator: Generator) => Promise<void> | undefined;
  readonly names: NameSets;
  readonly messages: MessageCache;
  readonly budget: WriteBudget;
  readonly ackTimeouts: AckTimeouts;
  readonly earlier: EarlierClusters;
  /** The clusters that clients have which are connected now. */
  readonly liveClusters: () => Iterable<ResourceSet>;
  /** Called for each message sent. */
  onSent(type: XdsType, bytes: number): void;
  onNack(connection: Connection, type: XdsType, message: string, configKeys: readonly string[]): void;
  /** Called when something is held back from a proxy, or is not any more. */
  onQuarantine(): void;
  onExpiredNonce(type: XdsType): void;
  /** Called when the proxy did not take what it was sent; its stream is over. */
  onStalled(connection: Connection): void;
  /** Does something for a connection; a fault ends its stream and reaches nobody else. */
  guarded(connection: Connection, work: () => void): void;
}

/**
 * One proxy's stream, in either protocol. It owns what the proxy subscribed to, has and accepted; `advance` sends what is due
 * now. One message of a type is under way at a time, so a slow proxy skips versions instead of queueing them.
 *
 * The order is safe on every stream, and a new one is no exception:
 * 1. Clusters go out at once, and those that are about to go stay among them; endpoints follow.
 * 2. Listeners and routes wait until clusters and endpoints are acknowledged: Envoy acknowledges clusters when they are warm.
 * 3. Clusters leave when everything else is acknowledged.
 * A client that has nothing asks in this order itself, so it waits for nothing. One that comes back with what it has asks for
 * everything at once, but not for clusters while some of its own still warm, and not for types of which it has no names: so it
 * is `returning`, which makes 2 wait for its question for clusters, and 3 for those for listeners and routes.
 *
 * No wait is endless. A cluster may never be warm (its secret does not come), a client may never ask: after 15 s (`AckTimeouts`) a
 * message counts as overdue, and a client not as returning any more. Then everything goes on, and clusters that were mended
 * overtake those that do not warm.
 */
export class Connection {
  readonly id: string;
  readonly proxy: MeshProxy;
  readonly connectedAt = new Date();
  readonly delta: boolean;
  /** The Kubernetes cluster that the proxy says it is in. */
  readonly clusterId: string;
  /** Its certificate says that it is who it says. Only then its currentNacks say anything of the configuration. */
  readonly authenticated: boolean;
  /** False for gRPC's own clients, which come to clusters by listeners and routes. */
  readonly asksClustersFirst: boolean;
  readonly subscriptions = new Map<XdsType, Subscription>();
  readonly #stream: RawStream;
  readonly #shared: Shared;
  #view: ProxyClass | undefined;
  #viewOf: unknown;
  #congested = false;
  /** What it waits for until the parts of its configuration are made. */
  #preparation: Promise<void> | undefined;
  /** Numbers the messages that repeat resources: their nonces must differ. */
  #repeats = 0;
  /** True while a client that came back may still ask for more of what it has. */
  #returning = false;
  /** State of the world: the version of its clusters that a client came back with, until it is known what that was. */
  #claimed = "";
  /** Clusters that were sent to a client that came back, before it said which endpoints it still has. */
  readonly #warming = new Set<string>();

  constructor(client: Client, stream: RawStream, shared: Shared) {
    this.id = client.id;
    this.proxy = client.proxy;
    this.delta = client.delta;
    this.clusterId = client.clusterId;
    this.authenticated = client.authenticated;
    this.asksClustersFirst = client.asksClustersFirst;
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
  view(generator: Generator): ProxyClass {
    const marks = generator.snapshot.selectorLabels;
    if (!this.#view || this.#viewOf !== marks) {
      this.#view = generator.proxyClass(this.proxy);
      this.#viewOf = marks;
    }
    return this.#view;
  }

  /** Asks the generator for all that the proxy has, so that it is kept. */
  use(generator: Generator): void {
    const view = this.view(generator);
    for (const sub of this.subscriptions.values())
      if (isSubscribed(sub)) generator.resources(sub.type, this.proxy, view, sub.names);
  }

  /** Ends the stream with an error; the proxy will come back. */
  fail(error: unknown): void {
    this.#stream.fail(error);
  }

  /** How many bytes of a request, from `at` on, are the names of an earlier one. */
  repeatedNames(request: Buffer, at: number): number {
    return repeatedNames(this.subscriptions.values(), request, at);
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
    if (!sub) {
      sub = new Subscription(type);
      this.subscriptions.set(type, sub);
    }
    if (request.nonce !== "" && request.nonce !== sub.lastNonce && !sub.fresh) {
      // An answer to a message that was overtaken. Only a change of names in it still counts.
      this.#shared.onExpiredNonce(type);
      if (!this.delta) return;
    } else if (request.nonce !== "" && request.nonce === sub.inFlight) this.#answered(sub, request);
    if (sub.fresh && request.nonce === "" && (request.version !== "" || request.initialVersions.size > 0)) {
      this.#returning = true;
      if (type === "cluster" && !this.delta) this.#claimed = request.version;
    }
    const { names } = this.#shared;
    const namesChanged = this.delta
      ? takeDeltaNames(sub, request, names, this.#warming)
      : takeNames(sub, request, names);
    if (type === "endpoint") this.#warming.clear();
    if (!this.delta && request.nonce === "" && !sub.fresh) startOver(sub);
    if (namesChanged || sub.fresh || sub.inFlight === "") this.advance();
  }

  #answered(sub: Subscription, request: XdsRequest): void {
    sub.inFlight = "";
    sub.overdue = false;
    sub.answered = true;
    if (sub.type === "cluster") this.#shared.ackTimeouts.done(this);
    if (!request.error) {
      sub.acked = sub.sent;
      sub.ackedNonce = request.nonce;
      sub.refused = "";
      sub.lastError = sub.quarantine.size > 0 ? sub.lastError : "";
      if (releaseSuspected(sub)) this.#shared.onQuarantine();
      return;
    }
    const { changed } = diffOf(sub.acked, sub.sent);
    const guilty = quarantineRejected(sub, request.error.message);
    sub.lastError = request.error.message;
    // What only takes away cannot be held back in part: it waits until there is something else to say.
    if (changed.length === 0) sub.refused = sub.sent.version;
    // What the proxy has now is what it accepted before; all but the culprits is sent again from there.
    const configKeys = [...new Set((guilty.length > 0 ? guilty : changed).flatMap((each) => each.configKeys))];
    sub.sent = sub.acked;
    this.#shared.onNack(this, sub.type, request.error.message, configKeys);
    this.#shared.onQuarantine();
  }

  /** Sends what is due, in the safe order. */
  advance(): void {
    const generator = this.#shared.generator();
    if (!generator || this.#stream.closed || this.#congested) return;
    const { ackTimeouts, prepared } = this.#shared;
    const preparation = prepared(this, generator);
    if (preparation) {
      if (this.#preparation !== preparation) void preparation.then(() => this.wake());
      this.#preparation = preparation;
      return;
    }
    this.#preparation = undefined;
    if (this.#sendDue(generator)) ackTimeouts.done(this);
    else ackTimeouts.wait(this);
  }

  /** @returns false when something has to wait for an answer */
  #sendDue(generator: Generator): boolean {
    const view = this.view(generator);
    const awaitsClusters = this.#returning && this.asksClustersFirst && !this.subscriptions.has("cluster");
    let settled = !awaitsClusters;
    /** Clusters that are about to go: routes may still lead to them, so their endpoints stay until then. */
    let departing: readonly string[] = [];
    for (const type of PUSH_ORDER) {
      const sub = this.subscriptions.get(type);
      if (!sub || !isSubscribed(sub)) continue;
      if (!settled && FOLLOWERS.includes(type)) return false;
      const target = this.#targetOf(sub, generator, view);
      if (type === "cluster") {
        this.#recall(sub, target);
        departing = diffOf(sub.sent, target).removed;
      }
      if (sub.inFlight !== "" && !sub.overdue) {
        settled = false;
        continue;
      }
      let due = target;
      if (type === "cluster") due = withRemovals(sub, target);
      else if (type === "endpoint") {
        due = retaining(sub, target, departing);
        // Nobody knows yet which of its clusters stay: what is not served now may be one that routes still lead to.
        if (awaitsClusters) due = endpointsOf(generator.resources("cluster", this.proxy, view), due);
      }
      if (this.#send(sub, due, view)) settled = false;
      if (this.#congested) return false;
    }
    const clusters = this.subscriptions.get("cluster");
    if (!settled || !clusters?.removalsHeld) return settled;
    if (this.#returning && !LEADING.every((type) => this.subscriptions.has(type))) return false;
    clusters.removalsHeld = false;
    return !this.#send(clusters, this.#targetOf(clusters, generator, view), view);
  }

  ackTimedOut(): void {
    const overdue = [...this.subscriptions.values()].filter((sub) => sub.inFlight !== "" && !sub.overdue);
    for (const sub of overdue) sub.overdue = true;
    this.#returning = false;
    if (overdue.length > 0)
      log.warn(
        { proxy: this.id, types: overdue.map(({ type }) => SHORT_NAME[type]) },
        "a proxy does not acknowledge what it was sent, perhaps because a cluster waits for endpoints or a certificate; the rest goes on",
      );
    this.wake();
  }

  /** Finds out what a client came back with, so that what is gone of it can stay for a while. */
  #recall(sub: Subscription, target: ResourceSet): void {
    if (this.#claimed === "") return;
    const known = this.#shared.earlier.find(this.#claimed, this.proxy, target, this.#shared.liveClusters());
    this.#claimed = "";
    if (known) sub.sent = sub.acked = known;
  }

  #targetOf(sub: Subscription, generator: Generator, view: ProxyClass): ResourceSet {
    const held = sub.quarantine.size;
    const { epoch } = generator;
    if (sub.desired?.epoch !== epoch || sub.desired.names !== sub.names)
      sub.desired = { epoch, names: sub.names, set: generator.resources(sub.type, this.proxy, view, sub.names) };
    const target = withoutQuarantined(sub, sub.desired.set);
    if (sub.quarantine.size !== held) this.#shared.onQuarantine();
    return target;
  }

  /** @returns true when a message went out, or waits for room */
  #send(sub: Subscription, next: ResourceSet, view: ProxyClass): boolean {
    const diff = diffOf(sub.sent, next);
    const { changed, removed } = diff;
    const again = sub.resend.size === 0 ? NOTHING : this.#takeResent(sub, next, changed);
    if (sub.refused !== "" && sub.refused === next.version && again.length === 0) return false;
    const whole = isWildcard(sub.type);
    // In the state-of-the-world form endpoints and routes that are gone are simply not sent any more.
    const due = changed.length > 0 || again.length > 0 || sub.fresh || (removed.length > 0 && (whole || this.delta));
    if (!due) {
      if (next.version === sub.sent.version) return false;
      sub.acked = sub.acked === sub.sent ? next : sub.acked;
      sub.sent = next;
      return false;
    }
    const { messages, budget } = this.#shared;
    const message = messageTo(sub, next, messages, { delta: this.delta, diff, again, repeats: this.#repeats });
    const { size } = message;
    if (!budget.take(this, size)) {
      for (const each of again) sub.resend.add(each.name);
      return true;
    }
    if (again.length > 0) this.#repeats++;
    if (sub.type === "cluster" && (!sub.fresh || sub.sent.resources.size > 0)) this.#warm(changed);
    sub.sent = next;
    sub.fresh = sub.overdue = false;
    sub.sentAt = Date.now();
    this.#shared.onSent(sub.type, size);
    sub.inFlight = sub.lastNonce = message.nonce;
    if (!this.#stream.write(message.bytes(), () => budget.give(this, size))) this.#congested = true;
    log.debug(
      {
        ...{ proxy: this.id, type: SHORT_NAME[sub.type], resources: changed.length },
        ...{ removed: removed.length, bytes: size, view: view.key },
      },
      "push",
    );
    return true;
  }

  #takeResent(sub: Subscription, next: ResourceSet, changed: readonly EncodedResource[]): readonly EncodedResource[] {
    const again = [...sub.resend]
      .flatMap((name) => next.resources.get(name) ?? [])
      .filter((each) => !isInitialVersion(each) && !changed.includes(each));
    sub.resend.clear();
    return again;
  }

  /** Envoy warms a changed cluster anew and waits for its endpoints, also when they are the same. */
  #warm(clusters: readonly EncodedResource[]): void {
    const endpoints = this.subscriptions.get("endpoint");
    for (const { name } of clusters)
      if (!endpoints) this.#warming.add(name);
      else if (endpoints.sent.resources.has(name)) endpoints.resend.add(name);
  }
}

const NOTHING: readonly EncodedResource[] = [];
