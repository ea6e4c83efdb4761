import type { DescFile } from "@bufbuild/protobuf";
import { Coalescer, Turns } from "@xebec/core-async";
import { logger } from "@xebec/core-log";
import type { Metrics } from "@xebec/core-metrics";
import { traced } from "@xebec/core-trace";
import type { Identity } from "@xebec/model-names";
import { isEndpointsKey, type SnapshotChange } from "@xebec/pilot-snapshot";
import { Generator, RESOURCE_TYPES, type ResourceSet, type ResourceType, wholeApi } from "@xebec/pilot-xds-gen";
import {
  type CallContext,
  describedBy,
  type GrpcService,
  joinServices,
  type RawStream,
  rawDuplex,
} from "@xebec/platform-grpc";
import { AckTimeouts } from "../connection/ack-timeouts.ts";
import { type Client, Connection } from "../connection/connection.ts";
import { EarlierClusters } from "../connection/earlier-clusters.ts";
import { LargePushes } from "../connection/large-pushes.ts";
import { Preparation } from "../connection/preparation.ts";
import type { Shared } from "../connection/shared.ts";
import { WriteBudget } from "../connection/write-budget.ts";
import type { OtherProxies } from "../debug/debug-source.ts";
import { isDebugType } from "../debug/debug-types.ts";
import type { RegisteredStream, Registrations } from "../registration/registrations.ts";
import { NameSets } from "../subscription/name-sets.ts";
import { MessageCache } from "../wire/message.ts";
import { readDeltaRequest, readRequest, type XdsRequest } from "../wire/request.ts";
import { acceptClient } from "./accept.ts";
import { CacheUpkeep, type CacheUsers } from "./cache-upkeep.ts";
import { xdsMetrics } from "./metrics.ts";
import { currentNacks, type Nack, type NackReport } from "./nacks.ts";
import { answerDebug, answerUnserved, HEALTH_TYPE } from "./other-types.ts";
import { SecretAccess, type SecretAuthorizer } from "./secret-access.ts";
import type { StreamAuthenticator } from "./stream-authenticator.ts";

/** What describes ADS and its resources. Only reflection needs them: they take a second to load. */
async function xdsFiles(): Promise<readonly DescFile[]> {
  const { file_envoy_service_discovery_v3_ads: ads } = await import("@xebec/api-envoy/envoy/service/discovery/v3/ads");
  const registry = await wholeApi();
  const resources = RESOURCE_TYPES.flatMap(
    ({ typeUrl }) => registry.getMessage(typeUrl.split("/")[1] ?? "")?.file ?? [],
  );
  return [ads, ...resources];
}

const SERVICE = "/envoy.service.discovery.v3.AggregatedDiscoveryService";

const log = logger("ads");

export interface XdsServerOptions {
  readonly metrics: Metrics;
  /** The table of resource types. */
  readonly types?: readonly ResourceType[];
  /** The namespace whose callers may see the whole mesh in debug types (istio-system). */
  readonly systemNamespace?: string;
  /** From how many services on clients that can get virtual hosts one by one; 0 or absent: never. */
  readonly vhdsFrom?: number;
  /** The proxies of other copies of pilot. */
  readonly others?: () => OtherProxies;
  /** Says who may have the Secrets of its namespace; absent: whoever has proved who it is. */
  readonly authorizeSecrets?: SecretAuthorizer;
  /** Called with every NACK. */
  readonly onNack?: (report: NackReport) => void;
  /** Called when `currentNacks` may be others. */
  readonly onQuarantine?: () => void;
  /** Most proxies that take in a large response at once; 0, the default, for any number. */
  readonly pushThrottle?: number;
  /** Workloads that register themselves; absent where none can. */
  readonly registrations?: Pick<Registrations, "connected">;
  /** Called with a client that has come or gone. */
  readonly onConnections?: (connection: Connection) => void;
}

/**
 * Serves ADS in both forms. It owns the connections; the snapshot comes in by `update`. Until the first snapshot streams are
 * held silent: an answer from an incomplete state would take configuration away from proxies.
 */
export class XdsServer implements CacheUsers {
  readonly #connections = new Map<string, Connection>();
  readonly #options: XdsServerOptions;
  readonly #shared: Shared<Connection>;
  readonly #types: readonly ResourceType[];
  readonly #push = new Coalescer(() => this.#pushAll());
  readonly #preparation = new Preparation();
  readonly #upkeep = new CacheUpkeep();
  #generator: Generator | undefined;
  /** The epoch of the generator up to which all clients were considered. */
  #pushed: number | undefined;
  #count = 0;

  constructor(options: XdsServerOptions) {
    this.#options = options;
    const { types = RESOURCE_TYPES } = options;
    this.#types = types;
    const metrics = xdsMetrics(options.metrics, () => this.#connections.size);
    this.#shared = {
      types,
      generator: () => this.#generator,
      prepared: (connection, generator) => this.#preparation.of(connection, generator),
      names: new NameSets(),
      secretAccess: new SecretAccess(options.authorizeSecrets),
      vhdsFrom: options.vhdsFrom ?? 0,
      messages: new MessageCache(),
      budget: new WriteBudget(),
      largePushes: new LargePushes(options.pushThrottle ?? 0),
      ackTimeouts: new AckTimeouts(),
      earlier: new EarlierClusters(),
      liveClusters: () => this.#acceptedClusters(),
      onSent: ({ shortName: type }, size) => {
        metrics.pushes.inc({ type });
        metrics.bytes.inc({ type }, size);
      },
      onNack: (connection, type, message, configKeys) => {
        metrics.rejects.inc({ type: type.shortName });
        const { id: proxy, authenticated } = connection;
        log.warn(
          { proxy, authenticated, type: type.shortName, configKeys, message },
          "a proxy rejected its configuration",
        );
        this.#options.onNack?.({ proxy, type: type.name, message, configKeys });
      },
      onQuarantine: () => this.#options.onQuarantine?.(),
      onExpiredNonce: ({ shortName: type }) => metrics.expired.inc({ type }),
      onStalled: (connection) => {
        metrics.timeouts.inc();
        log.warn({ proxy: connection.id }, "a proxy did not read what it was sent; the stream is closed");
        this.#gone(connection);
      },
      guarded: (connection, work) => this.guarded(connection, work),
    };
  }

  /** The streams that are open now. */
  get streams(): Iterable<Connection> {
    return this.#connections.values();
  }

  /** Those of proxies: what agents ask for themselves is not among them. */
  get connections(): Iterable<Connection> {
    return [...this.#connections.values()].filter(({ ofAgent }) => !ofAgent);
  }

  /** The configuration objects that some authenticated proxy rejects now, by key. */
  get currentNacks(): ReadonlyMap<string, Nack> {
    return currentNacks(this.#connections.values());
  }

  get others(): OtherProxies | undefined {
    return this.#options.others?.();
  }

  get generator(): Generator | undefined {
    return this.#generator;
  }

  /** Takes a new snapshot and brings it to every proxy that it concerns; resolves when all were considered. */
  update({ snapshot, changed }: SnapshotChange): Promise<void> {
    if (this.#generator) {
      this.#shared.earlier.superseded(this.#generator.snapshot, changed);
      this.#generator.update(snapshot, changed);
      if ([...changed].some((key) => !isEndpointsKey(key))) this.#preparation.reset();
    } else this.#generator = new Generator(snapshot, undefined, this.#types);
    return this.#push.request();
  }

  async #pushAll(): Promise<void> {
    const epoch = this.#generator?.epoch;
    await traced("pilot.push", { attributes: { connections: this.#connections.size } }, async () => {
      const turns = new Turns(256, 1);
      for (const connection of [...this.#connections.values()]) {
        await this.prepared(connection);
        this.guarded(connection, () => connection.advance());
        await turns.next();
      }
    });
    this.#pushed = epoch;
    // There may be a newer snapshot already; while changes follow each other this is the only moment.
    this.#upkeep.run(this);
  }

  /** Resolves when the parts of a connection's configuration are made, so that the whole can be put together at once. */
  async prepared(connection: Connection): Promise<void> {
    for (;;) {
      const generator = this.#generator;
      let preparation: Promise<void> | undefined;
      this.guarded(connection, () => {
        preparation = generator && !connection.ofAgent ? this.#preparation.of(connection, generator) : undefined;
      });
      if (!preparation) return;
      await preparation;
    }
  }

  /** Not before all is made of the newest snapshot: its push does it then. */
  #freeUnused(): void {
    if (this.#pushed === this.#generator?.epoch) this.#upkeep.run(this);
  }

  get clients(): number {
    return this.#connections.size;
  }

  /** Each asks for all that a connection has. Those that come meanwhile ask themselves. */
  *uses(): Iterable<() => void> {
    for (const connection of [...this.#connections.values()])
      yield () => {
        const generator = this.#generator;
        if (generator && this.#connections.has(connection.id))
          this.guarded(connection, () => connection.use(generator));
      };
  }

  /** Does something for a connection. An error in one proxy's configuration ends its own stream and no other. */
  guarded(connection: Connection, work: () => void): void {
    try {
      work();
    } catch (error) {
      log.error(
        { err: error, proxy: connection.id },
        "the proxy's configuration could not be made; the stream is closed",
      );
      this.#gone(connection);
      connection.fail(error);
    }
  }

  *#acceptedClusters(): Iterable<ResourceSet> {
    for (const { subscriptions } of this.#connections.values()) {
      const set = subscriptions.get("cluster")?.acked;
      if (set) yield set;
    }
  }

  #gone(connection: Connection): void {
    if (!this.#connections.delete(connection.id)) return;
    connection.closed();
    this.#shared.budget.forget(connection);
    this.#shared.largePushes.done(connection);
    this.#shared.ackTimeouts.done(connection);
    this.#shared.earlier.left(connection.subscriptions.get("cluster")?.acked);
    this.#upkeep.clientLeft();
    this.#freeUnused();
    this.#options.onConnections?.(connection);
  }

  /** @param authenticate finds out who calls on the secure port, and throws when that cannot be; undefined: clients are believed */
  service(authenticate?: StreamAuthenticator): GrpcService {
    const methods = joinServices([
      rawDuplex(`${SERVICE}/StreamAggregatedResources`, (stream, call) =>
        this.#open(stream, call, false, authenticate),
      ),
      rawDuplex(`${SERVICE}/DeltaAggregatedResources`, (stream, call) => this.#open(stream, call, true, authenticate)),
    ]);
    return describedBy(methods, xdsFiles);
  }

  #open(stream: RawStream, call: CallContext, delta: boolean, authenticate: StreamAuthenticator | undefined): void {
    // As in Istio, once: a stream outlives its certificate or token.
    const identity = authenticate?.(call);
    if (!(identity instanceof Promise)) {
      this.#serve(stream, call, delta, identity);
      return;
    }
    // Nothing is read before it is known.
    identity.then(
      (found) => {
        if (!stream.closed) this.#serve(stream, call, delta, found);
      },
      (error: unknown) => stream.fail(error),
    );
  }

  #serve(stream: RawStream, call: CallContext, delta: boolean, identity: Identity | undefined): void {
    let connection: Connection | undefined;
    let registered: RegisteredStream | undefined;
    const repeated = (bytes: Buffer, at: number): number => connection?.repeatedNames(bytes, at) ?? 0;
    stream.onMessage((bytes) => {
      const request: XdsRequest = delta ? readDeltaRequest(bytes) : readRequest(bytes, repeated);
      if (isDebugType(request.typeUrl)) {
        void answerDebug(this, { stream, delta, identity }, request, this.#options.systemNamespace ?? "istio-system");
        return;
      }
      if (!connection) {
        const client = acceptClient(request, { delta, identity }, ++this.#count);
        registered = this.#options.registrations?.connected(client.proxy, identity !== undefined);
        connection = this.#accept(client, stream, call);
      }
      if (request.typeUrl === HEALTH_TYPE) return registered?.health(request.error === undefined);
      if (!this.#types.some(({ typeUrl }) => typeUrl === request.typeUrl)) {
        log.debug({ proxy: connection.id, typeUrl: request.typeUrl.slice(0, 200) }, "a type that is not served");
        answerUnserved({ stream, delta }, request);
        return;
      }
      const open = connection;
      this.guarded(open, () => open.receive(request));
      this.#freeUnused();
    });
    stream.onEnd(() => stream.end());
    stream.onClose(() => {
      registered?.gone();
      if (!connection) return;
      this.#gone(connection);
      log.debug({ proxy: connection.id }, "the stream is closed");
    });
  }

  #accept(client: Client, stream: RawStream, { peer }: CallContext): Connection {
    const { delta } = client;
    const connection = new Connection(client, stream, this.#shared);
    this.#connections.set(connection.id, connection);
    this.#options.onConnections?.(connection);
    log.debug({ proxy: connection.id, peer, delta }, "a proxy has connected");
    return connection;
  }
}
