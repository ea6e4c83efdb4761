import { Coalescer, Turns } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import type { Metrics } from "@xebec/core-metrics";
import { traced } from "@xebec/core-trace";
import { parseSpiffe } from "@xebec/model-names";
import type { SnapshotChange } from "@xebec/pilot-snapshot";
import { Generator, proxyOf, RESOURCE_TYPES, type ResourceSet, type ResourceType } from "@xebec/pilot-xds-gen";
import { type CallContext, type GrpcService, joinServices, type RawStream, rawDuplex } from "@xebec/platform-grpc";
import { AckTimeouts } from "../connection/ack-timeouts.ts";
import { Connection } from "../connection/connection.ts";
import { EarlierClusters } from "../connection/earlier-clusters.ts";
import { Preparation } from "../connection/preparation.ts";
import type { Shared } from "../connection/shared.ts";
import { WriteBudget } from "../connection/write-budget.ts";
import { NameSets } from "../subscription/name-sets.ts";
import { MessageCache } from "../wire/message.ts";
import { readDeltaRequest, readRequest, type XdsRequest } from "../wire/request.ts";

const SERVICE = "/envoy.service.discovery.v3.AggregatedDiscoveryService";
/** Istio's name of the cluster of proxies that name none. */
const DEFAULT_CLUSTER = "Kubernetes";
const MAX_TEXT = 256;
/** So many parts that nobody holds are not worth a look at every proxy. */
const SOME_PARTS = 1_000;

const log = logger("ads");

export interface NackReport {
  readonly proxy: string;
  /** The name of the resource type. */
  readonly type: string;
  readonly message: string;
  /** Keys of the configuration objects behind what was refused. */
  readonly configKeys: readonly string[];
}

/** Who refuses an object, and why: the first proxy of so many, among all that are authenticated. */
export interface Nack extends Pick<NackReport, "proxy" | "message"> {
  readonly count: number;
  readonly of: number;
}

export interface XdsServerOptions {
  readonly metrics: Metrics;
  /** The table of resource types. */
  readonly types?: readonly ResourceType[];
  /** Told of every refusal. */
  readonly onNack?: (report: NackReport) => void;
  /** Told when `currentNacks` may be others. */
  readonly onQuarantine?: () => void;
  /** Told of a proxy that has come or gone. */
  readonly onConnections?: (connection: Connection) => void;
}

/**
 * Serves ADS in both forms. It owns the connections; the snapshot comes in by `update`. Until the first snapshot streams are
 * held silent: an answer from an incomplete state would take configuration away from proxies.
 */
export class XdsServer {
  readonly #connections = new Map<string, Connection>();
  readonly #options: XdsServerOptions;
  readonly #shared: Shared;
  readonly #types: readonly ResourceType[];
  readonly #push = new Coalescer(() => this.#pushAll());
  readonly #preparation = new Preparation();
  #generator: Generator | undefined;
  #count = 0;
  /** Parts that were in use when it was looked last, and connections that ended since. */
  #held = 0;
  #left = 0;
  #tidying = false;

  constructor(options: XdsServerOptions) {
    this.#options = options;
    const { metrics, types = RESOURCE_TYPES } = options;
    this.#types = types;
    const pushes = metrics.counter("pilot_xds_pushes", "Pilot build and send errors for lds, rds, cds and eds.", [
      "type",
    ]);
    const bytes = metrics.counter("xebec_pilot_sent_bytes_total", "Bytes of xDS messages sent.", ["type"]);
    const rejects = metrics.counter("pilot_total_xds_rejects", "Messages that proxies rejected.", ["type"]);
    const expired = metrics.counter("pilot_xds_expired_nonce", "Answers to messages that were overtaken.", ["type"]);
    const timeouts = metrics.counter("pilot_xds_write_timeout", "Streams ended because the proxy did not read.");
    metrics.gauge(
      "pilot_xds",
      "Number of endpoints connected to this pilot using XDS.",
      [],
      () => this.#connections.size,
    );
    this.#shared = {
      types: this.#types,
      generator: () => this.#generator,
      prepared: (connection, generator) => this.#preparation.of(connection, generator),
      names: new NameSets(),
      messages: new MessageCache(),
      budget: new WriteBudget(),
      ackTimeouts: new AckTimeouts(),
      earlier: new EarlierClusters(),
      liveClusters: () => this.#acceptedClusters(),
      onSent: (type, size) => {
        pushes.inc({ type: type.shortName });
        bytes.inc({ type: type.shortName }, size);
      },
      onNack: (connection, type, message, configKeys) => {
        rejects.inc({ type: type.shortName });
        log.warn(
          {
            proxy: connection.id,
            authenticated: connection.authenticated,
            type: type.shortName,
            configKeys,
            message,
          },
          "a proxy rejected its configuration",
        );
        this.#options.onNack?.({ proxy: connection.id, type: type.name, message, configKeys });
      },
      onQuarantine: () => this.#options.onQuarantine?.(),
      onExpiredNonce: (type) => expired.inc({ type: type.shortName }),
      onStalled: (connection) => {
        timeouts.inc();
        log.warn({ proxy: connection.id }, "a proxy did not read what it was sent; the stream is closed");
        this.#gone(connection);
      },
      guarded: (connection, work) => this.#guarded(connection, work),
    };
  }

  /** The streams that are open now. */
  get connections(): Iterable<Connection> {
    return this.#connections.values();
  }

  /**
   * The configuration objects that some proxy refuses now, by key. Proxies that are not authenticated have no say: anybody could
   * make the whole mesh red.
   */
  get currentNacks(): ReadonlyMap<string, Nack> {
    const found = new Map<string, { proxy: string; message: string; count: number; of: number }>();
    const judges = [...this.#connections.values()].filter((each) => each.authenticated);
    for (const { id, subscriptions } of judges) {
      const own = new Set<string>();
      for (const { quarantine } of subscriptions.values())
        for (const { confirmed, configKeys, message } of quarantine.values())
          for (const key of confirmed ? configKeys : []) {
            const known = found.get(key);
            if (!known) found.set(key, { proxy: id, message, count: 1, of: judges.length });
            else if (!own.has(key)) known.count++;
            own.add(key);
          }
    }
    return found;
  }

  get generator(): Generator | undefined {
    return this.#generator;
  }

  /** Takes a new snapshot and brings it to every proxy that it concerns; resolves when all were considered. */
  update({ snapshot, changed }: SnapshotChange): Promise<void> {
    if (this.#generator) {
      this.#shared.earlier.superseded(this.#generator.snapshot, changed);
      this.#generator.update(snapshot, changed);
      if ([...changed].some((key) => !key.startsWith("endpoints/"))) this.#preparation.reset();
    } else this.#generator = new Generator(snapshot, undefined, this.#types);
    return this.#push.request();
  }

  async #pushAll(): Promise<void> {
    await traced("pilot.push", { attributes: { connections: this.#connections.size } }, async () => {
      const turns = new Turns(256, 1);
      for (const connection of [...this.#connections.values()]) {
        await this.prepared(connection);
        this.#guarded(connection, () => connection.advance());
        await turns.next();
      }
      this.#tidy();
    });
  }

  /** Resolves when the parts of a connection's configuration are made, so that the whole can be put together at once. */
  async prepared(connection: Connection): Promise<void> {
    for (;;) {
      const generator = this.#generator;
      let preparation: Promise<void> | undefined;
      this.#guarded(connection, () => {
        preparation = generator && this.#preparation.of(connection, generator);
      });
      if (!preparation) return;
      await preparation;
    }
  }

  /** Frees what nobody holds any more, once that may be as much as what is held. */
  #tidy(): void {
    const generator = this.#generator;
    if (!generator || this.#tidying) return;
    if (generator.cacheSize <= 2 * this.#held + SOME_PARTS && this.#left * 4 <= this.#connections.size) return;
    this.#tidying = true;
    generator.keep(() => {
      for (const each of [...this.#connections.values()]) this.#guarded(each, () => each.use(generator));
    });
    this.#tidying = false;
    this.#held = generator.cacheSize;
    this.#left = 0;
  }

  /** Does something for a connection. A fault in one proxy's configuration ends its own stream and no other. */
  guarded(connection: Connection, work: () => void): void {
    this.#guarded(connection, work);
  }

  #guarded(connection: Connection, work: () => void): void {
    try {
      work();
    } catch (error) {
      log.error({ err: error, proxy: connection.id }, "generation failed; the stream is closed");
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
    this.#shared.ackTimeouts.done(connection);
    this.#shared.earlier.left(connection.subscriptions.get("cluster")?.acked);
    this.#left++;
    this.#tidy();
    this.#options.onConnections?.(connection);
  }

  /** @param authenticate true on the port with mutual TLS: the node must be who its certificate says */
  service(authenticate: boolean): GrpcService {
    return joinServices([
      rawDuplex(`${SERVICE}/StreamAggregatedResources`, (stream, call) =>
        this.#open(stream, call, false, authenticate),
      ),
      rawDuplex(`${SERVICE}/DeltaAggregatedResources`, (stream, call) => this.#open(stream, call, true, authenticate)),
    ]);
  }

  #open(stream: RawStream, call: CallContext, delta: boolean, authenticate: boolean): void {
    let connection: Connection | undefined;
    const repeated = (bytes: Buffer, at: number): number => connection?.repeatedNames(bytes, at) ?? 0;
    stream.onMessage((bytes) => {
      const request: XdsRequest = delta ? readDeltaRequest(bytes) : readRequest(bytes, repeated);
      connection ??= this.#accept(request, stream, call, delta, authenticate);
      const open = connection;
      this.#guarded(open, () => open.receive(request));
      this.#tidy();
    });
    stream.onEnd(() => stream.end());
    stream.onClose(() => {
      if (!connection) return;
      this.#gone(connection);
      log.debug({ proxy: connection.id }, "the stream is closed");
    });
  }

  #accept(
    request: XdsRequest,
    stream: RawStream,
    call: CallContext,
    delta: boolean,
    authenticate: boolean,
  ): Connection {
    if (!request.node) throw new XebecError("invalid_argument", "the first request of a stream must carry the node");
    const proxy = proxyOf(request.node);
    if (authenticate) authorize(proxy.namespace, proxy.serviceAccount, call.identity);
    const { CLUSTER_ID: cluster } = request.node.metadata;
    const clusterId = typeof cluster === "string" && cluster !== "" ? cluster.slice(0, MAX_TEXT) : DEFAULT_CLUSTER;
    const id = `${proxy.pod}.${proxy.namespace}-${++this.#count}`;
    const asksClustersFirst = !request.node.userAgent.toLowerCase().startsWith("grpc");
    const connection = new Connection(
      { id, proxy, delta, clusterId, authenticated: authenticate, asksClustersFirst },
      stream,
      this.#shared,
    );
    this.#connections.set(connection.id, connection);
    this.#options.onConnections?.(connection);
    log.debug({ proxy: connection.id, peer: call.peer, delta }, "a proxy has connected");
    return connection;
  }
}

/** The namespace and service account that a node claims must be those of its certificate (docs/reference/pilot.md §2.4). */
function authorize(namespace: string, serviceAccount: string, identity: string | undefined): void {
  const own = identity === undefined ? undefined : parseSpiffe(identity);
  if (!own) throw new XebecError("unauthenticated", "this port needs a client certificate with a SPIFFE identity");
  if (own.namespace !== namespace || (serviceAccount !== "" && own.serviceAccount !== serviceAccount))
    throw new XebecError(
      "permission_denied",
      `the node says namespace ${namespace} and service account ${serviceAccount || "(none)"}, its certificate says ${identity}`,
    );
}
