import { logger } from "@xebec/core-log";
import type { Identity } from "@xebec/model-names";
import {
  EMPTY_SET,
  type EncodedResource,
  type Generator,
  type MeshProxy,
  type NameSet,
  type ProxyClass,
  type ResourceSet,
  type ResourceType,
  tablesAlone,
  typesOf,
} from "@xebec/pilot-xds-gen";
import type { RawStream } from "@xebec/platform-grpc";
import { nextState } from "../state-machine.ts";
import { accept, reject } from "../subscription/answer.ts";
import { repeatedNames, startOver, takeDeltaNames, takeNames } from "../subscription/names.ts";
import { withoutQuarantined } from "../subscription/quarantine.ts";
import { requestEvent } from "../subscription/states.ts";
import { Subscription } from "../subscription/subscription.ts";
import type { XdsRequest } from "../wire/request.ts";
import { type PushTarget, push } from "./push.ts";
import { Resumption } from "./resumption.ts";
import { Sender, type SenderOwner, type SendOutcome } from "./sender.ts";
import type { Shared } from "./shared.ts";
import { CONNECTION_TRANSITIONS, type ConnectionEvent, type ConnectionState } from "./states.ts";
import { forgetHosts, VirtualHosts } from "./virtual-hosts.ts";

const log = logger("ads");

/** Who is at the other end of a stream. */
export type Client = Pick<
  Connection,
  "id" | "proxy" | "delta" | "clusterId" | "authenticated" | "identity" | "ofAgent" | "asksClustersFirst"
>;

/**
 * One client's stream, in either form of xDS (docs/xds-server.md). It owns the subscriptions, and what the client came back with.
 * `advance` sends what is due now. One response of a type is under way at a time, so a slow client skips versions instead of
 * queueing them.
 */
export class Connection implements PushTarget, SenderOwner {
  readonly id: string;
  readonly proxy: MeshProxy;
  readonly connectedAt = new Date();
  readonly delta: boolean;
  /** The Kubernetes cluster that the proxy says it is in. */
  readonly clusterId: string;
  /** Its certificate says that it is who it says. Only then its NACKs say anything of the configuration. */
  readonly authenticated: boolean;
  /** Who it has proved to be; undefined on the plaintext port. */
  readonly identity: Identity | undefined;
  /** An agent's own stream, for the table of names or for plugins: its proxy has another one. */
  readonly ofAgent: boolean;
  /** False for gRPC's own clients, which come to clusters by listeners and routes. */
  readonly asksClustersFirst: boolean;
  readonly subscriptions = new Map<string, Subscription>();
  readonly resumption = new Resumption();
  readonly #stream: RawStream;
  readonly #shared: Shared<Connection>;
  readonly #sender: Sender;
  readonly #virtualHosts: VirtualHosts;
  #state: ConnectionState = "waiting";
  #proxyClass: ProxyClass | undefined;
  /** The generator's `classEpoch` that the class is of. */
  #classEpoch = -1;
  /** What it waits for in the state `preparing`. */
  #preparation: Promise<void> | undefined;

  constructor(client: Client, stream: RawStream, shared: Shared<Connection>) {
    this.id = client.id;
    this.proxy = client.proxy;
    this.delta = client.delta;
    this.clusterId = client.clusterId;
    this.authenticated = client.authenticated;
    this.identity = client.identity;
    this.ofAgent = client.ofAgent;
    this.asksClustersFirst = client.asksClustersFirst;
    this.#stream = stream;
    this.#shared = shared;
    this.#sender = new Sender(client, stream, shared);
    this.#virtualHosts = new VirtualHosts(client, shared.vhdsFrom);
    stream.onDrain(() => {
      this.#apply("drain");
      this.wake();
    });
  }

  get types(): readonly ResourceType[] {
    return typesOf(this.proxy, this.#shared.types);
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** There may be room for more: sends what is due. Whoever made the room is not concerned by an error in it. */
  wake(): void {
    this.#shared.guarded(this, () => this.advance());
  }

  /** The client takes nothing of what was written: ends the stream, so that it holds no memory. */
  stalled(): void {
    this.#stream.abort();
    this.#shared.onStalled(this);
  }

  /** The stream is over. */
  closed(): void {
    this.#apply("close");
  }

  /** Ends the stream with an error; the client will come back. */
  fail(error: unknown): void {
    this.#stream.fail(error);
  }

  /** The class of proxies that it belongs to, as of the current snapshot. */
  proxyClass(generator: Generator): ProxyClass {
    if (!this.#proxyClass || this.#classEpoch !== generator.classEpoch) {
      this.#proxyClass = generator.proxyClass(this.proxy);
      this.#classEpoch = generator.classEpoch;
    }
    return this.#proxyClass;
  }

  /** The resources of the client, requested yet or not, but for endpoints; those of gRPC's own clients when they are requested. */
  *resourceLists(generator: Generator): Iterable<readonly EncodedResource[]> {
    const proxyClass = this.proxyClass(generator);
    yield* generator.resourceLists(this.proxy, proxyClass);
    if (!this.proxy.generator) return;
    for (const { type, names, isSubscribed } of this.subscriptions.values())
      if (isSubscribed) yield [...generator.resources(type, this.proxy, proxyClass, names).resources.values()];
  }

  /** Asks the generator for all that the client has, so that it is kept. */
  use(generator: Generator): void {
    const proxyClass = this.proxyClass(generator);
    for (const sub of this.subscriptions.values())
      if (sub.isSubscribed && (this.authenticated || !sub.type.isConfidential))
        generator.resources(sub.type, this.proxy, proxyClass, sub.names);
  }

  /** How many bytes of a request, from `at` on, are the names of an earlier one. */
  repeatedNames(request: Buffer, at: number): number {
    return repeatedNames(this.subscriptions.values(), request, at);
  }

  /** Takes a request: a subscription, a change of one, an ACK or a NACK. */
  receive(request: XdsRequest): void {
    const type = this.types.find(({ typeUrl }) => typeUrl === request.typeUrl);
    if (!type) return;
    let sub = this.subscriptions.get(type.name);
    if (!sub) {
      sub = new Subscription(type);
      this.subscriptions.set(type.name, sub);
      if (type.isConfidential && !this.authenticated)
        log.warn(
          { proxy: this.id, type: type.shortName },
          "a client without a certificate asks for secrets, which it does not get; let it use the port with TLS",
        );
    }
    if (sub.state === "initial" && Resumption.names(request))
      this.resumption.begin(type.name === "cluster" && !this.delta ? request.version : "");
    if (type.name === "route" && sub.state === "initial") this.#virtualHosts.resume(request);
    const event = requestEvent(sub.state, sub.nonce, request, this.delta);
    sub.apply(event);
    if (event === "ack" || event === "nack") this.#answered(sub, request);
    else if (event === "stale") {
      // An answer to a response that was overtaken. Only a change of names in it still counts.
      this.#shared.onExpiredNonce(type);
      if (!this.delta) return;
    }
    const namesChanged = this.#takeNames(sub, request);
    if (event === "restart") startOver(sub);
    if (namesChanged || sub.state === "initial" || sub.state === "idle") this.advance();
  }

  #takeNames(sub: Subscription, request: XdsRequest): boolean {
    const { names } = this.#shared;
    if (sub.type.name === "route" && this.delta && sub.names)
      forgetHosts(this.subscriptions.get("virtualhost"), request.subscribe());
    const changed = this.delta
      ? takeDeltaNames(sub, request, names, this.resumption.warming)
      : takeNames(sub, request, names);
    if (sub.type.name === "endpoint") this.resumption.endpointsKnown();
    return changed;
  }

  #answered(sub: Subscription, { error }: XdsRequest): void {
    if (sub.type.name === "cluster") this.#shared.ackTimeouts.done(this);
    const isBusy = [...this.subscriptions.values()].some(
      ({ type, state }) => type.followsClusters && state === "awaitingAck",
    );
    if (!isBusy) this.#shared.largePushes.done(this);
    if (!error) {
      if (accept(sub)) this.#shared.onQuarantine();
      return;
    }
    const configKeys = reject(sub, error.message);
    this.#shared.onNack(this, sub.type, error.message, configKeys);
    this.#shared.onQuarantine();
  }

  /** Sends what is due, in the safe order. */
  advance(): void {
    const generator = this.#shared.generator();
    if (!generator || this.#stream.closed || this.#state === "closed" || this.#state === "congested") return;
    const { ackTimeouts, prepared } = this.#shared;
    const preparation = this.ofAgent ? undefined : prepared(this, generator);
    this.#apply(preparation ? "prepare" : "prepared");
    if (preparation && this.#preparation !== preparation) void preparation.then(() => this.wake());
    this.#preparation = preparation;
    if (preparation) return;
    if (push(this, generator)) ackTimeouts.done(this);
    else ackTimeouts.wait(this);
  }

  /** The client has not answered in time: what waited for it goes on. */
  ackTimedOut(): void {
    const overdue = [...this.subscriptions.values()].filter((sub) => sub.state === "awaitingAck");
    for (const sub of overdue) sub.apply("timeout");
    this.resumption.timedOut();
    if (overdue.length > 0)
      log.warn(
        { proxy: this.id, types: overdue.map(({ type }) => type.shortName) },
        "a proxy does not acknowledge what it was sent, perhaps because a cluster waits for endpoints or a certificate; the rest goes on",
      );
    this.wake();
  }

  #mayHaveSecrets({ isGranted }: Subscription["type"]): boolean {
    if (isGranted) return this.identity !== undefined;
    return this.#shared.secretAccess.isAllowed(this.identity, () => this.wake());
  }

  desired(sub: Subscription, generator: Generator): ResourceSet {
    if (sub.type.isConfidential && !this.#mayHaveSecrets(sub.type)) return EMPTY_SET;
    const { epoch } = generator;
    if (sub.type.name === "virtualhost") sub.names = this.#tables(generator);
    if (sub.desired?.epoch !== epoch || sub.desired.names !== sub.names) {
      const whole = generator.resources(sub.type, this.proxy, this.proxyClass(generator), sub.names);
      const set = sub.type.name === "route" && this.#virtualHosts.areSplit(generator) ? tablesAlone(whole) : whole;
      sub.desired = { epoch, names: sub.names, set };
    }
    const quarantined = sub.quarantine.size;
    const desired = withoutQuarantined(sub, sub.desired.set);
    if (sub.quarantine.size !== quarantined) this.#shared.onQuarantine();
    return desired;
  }

  /** The tables whose virtual hosts are due. */
  #tables(generator: Generator): NameSet {
    const { names } = this.#shared;
    if (!this.#virtualHosts.areSplit(generator)) return names.of([]);
    return this.#virtualHosts.tables(this.subscriptions.get("route"), names);
  }

  clusters(generator: Generator): ResourceSet {
    return generator.resources("cluster", this.proxy, this.proxyClass(generator));
  }

  resumedClusters(desired: ResourceSet): ResourceSet | undefined {
    const version = this.resumption.takeClusterVersion();
    if (version === "" || !this.asksClustersFirst) return undefined;
    const { earlier, liveClusters } = this.#shared;
    return earlier.find(version, this.proxy, desired, liveClusters());
  }

  send(sub: Subscription, next: ResourceSet): SendOutcome {
    const outcome = this.#sender.send(sub, next, this);
    if (outcome === "congested") this.#apply("congest");
    return outcome;
  }

  /** Envoy warms a changed cluster anew and waits for its endpoints, also when they are the same. */
  warm(clusters: readonly EncodedResource[]): void {
    const endpoints = this.subscriptions.get("endpoint");
    for (const { name } of clusters)
      if (!endpoints) this.resumption.warm(name);
      else if (endpoints.sent.resources.has(name)) endpoints.resend.add(name);
  }

  #apply(event: ConnectionEvent): void {
    this.#state = nextState(CONNECTION_TRANSITIONS, this.#state, event);
  }
}
