import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { RouteConfigurationSchema } from "@xebec/api-envoy/envoy/config/route/v3/route";
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
  ResourceSchema,
} from "@xebec/api-envoy/envoy/service/discovery/v3/discovery";
import { XebecError } from "@xebec/core-errors";
import type { GrpcChannel } from "@xebec/platform-grpc";

/** What the client asks for, in this order; virtual hosts only when its tables leave them to VHDS, extensions only when it has names of some. */
const TYPE_URL = {
  cluster: "type.googleapis.com/envoy.config.cluster.v3.Cluster",
  endpoint: "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
  listener: "type.googleapis.com/envoy.config.listener.v3.Listener",
  route: "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
  virtualhost: "type.googleapis.com/envoy.config.route.v3.VirtualHost",
  extension: "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
} as const;
export type AskedType = keyof typeof TYPE_URL;
const TYPES = Object.keys(TYPE_URL) as readonly AskedType[];
const NEXT: Readonly<Record<AskedType, AskedType | undefined>> = {
  ...{ cluster: "endpoint", endpoint: "listener", listener: "route", route: "extension", virtualhost: "extension" },
  extension: undefined,
};
const TODAY = [1, 40] as const;
const SERVICE = "/envoy.service.discovery.v3.AggregatedDiscoveryService";

const sotw = DiscoveryResponseSchema.field;
const SOTW = { resources: sotw.resources.number, typeUrl: sotw.typeUrl.number, nonce: sotw.nonce.number };
const delta = DeltaDiscoveryResponseSchema.field;
const DELTA = { resources: delta.resources.number, typeUrl: delta.typeUrl.number, nonce: delta.nonce.number };
const DELTA_RESOURCE = ResourceSchema.field.resource.number;
const ANY_VALUE = AnySchema.field.value.number;
const VHDS = RouteConfigurationSchema.field.vhds.number;
const LENGTH_DELIMITED = 2;
const INVALID_ARGUMENT = 3;

export interface AdsClientOptions {
  readonly id: string;
  readonly delta: boolean;
  /** Envoy's version, as `[1, 40]`, which decides what it is sent; today's by default. */
  readonly version?: readonly [major: number, minor: number];
  /** The pod's labels; none by default. */
  readonly labels?: Readonly<Record<string, string>>;
  /** The route tables that it asks for; that of port 80 by default. */
  readonly routes?: readonly string[];
  /** Filters whose configuration it asks for by name, as those that a listener discovers. */
  readonly extensions?: readonly string[];
  /** Says what is wrong with a message that the client then rejects; undefined accepts it. */
  readonly reject?: (bytes: Buffer) => string | undefined;
  /** Called with the bytes of each message; for measuring when a change arrives. */
  readonly onMessage?: (bytes: Buffer, type: AskedType) => void;
}

/**
 * A proxy that only subscribes: it asks for clusters, their endpoints, listeners, route tables and their virtual hosts, acknowledges everything, and
 * decodes no more than the names that it must follow.
 */
export class AdsClient {
  readonly #options: AdsClientOptions;
  readonly #stream: ReturnType<GrpcChannel["duplex"]>;
  readonly #nonces = new Map<AskedType, string>();
  readonly #names: string[] = [];
  #isFirstRequest = true;
  readonly #completion = Promise.withResolvers<void>();
  bytes = 0;
  messages = 0;
  /** Resolves when clusters, endpoints, listeners and routes were answered once; rejects when the server ends the stream before. */
  readonly complete: Promise<void> = this.#completion.promise;

  constructor(channel: GrpcChannel, options: AdsClientOptions) {
    this.#options = options;
    // Not everybody waits for it.
    this.complete.catch(() => undefined);
    this.#stream = channel.duplex(
      `${SERVICE}/${options.delta ? "DeltaAggregatedResources" : "StreamAggregatedResources"}`,
    );
    this.#stream.onMessage((bytes) => this.#take(bytes));
    this.#stream.onEnd((error) =>
      this.#completion.reject(error ?? new XebecError("unavailable", "the server has ended the stream")),
    );
    this.#send("cluster");
  }

  close(): void {
    this.#stream.end();
  }

  /** @param more names that are subscribed to besides; Delta has them alone, the other form all */
  #send(type: AskedType, error?: string, more: readonly string[] = []): void {
    const node = this.#isFirstRequest ? { node: this.#node() } : {};
    this.#isFirstRequest = false;
    const names = this.#namesOf(type);
    const nonce = this.#nonces.get(type) ?? "";
    const errorDetail = error === undefined ? {} : { errorDetail: { code: INVALID_ARGUMENT, message: error } };
    // In Delta only an answer to a message names it; a server may ignore whatever comes with the nonce of an older one.
    const responseNonce = this.#options.delta && more.length > 0 ? "" : nonce;
    const head = { typeUrl: TYPE_URL[type], responseNonce, ...node, ...errorDetail };
    this.#stream.write(
      this.#options.delta
        ? toBinary(
            DeltaDiscoveryRequestSchema,
            create(DeltaDiscoveryRequestSchema, { ...head, resourceNamesSubscribe: nonce === "" ? names : [...more] }),
          )
        : toBinary(DiscoveryRequestSchema, create(DiscoveryRequestSchema, { ...head, resourceNames: names })),
    );
  }

  #node() {
    const { id, labels = {}, version: [majorNumber, minorNumber] = TODAY } = this.#options;
    const version = { version: { majorNumber, minorNumber } };
    return {
      ...{ id, metadata: { NAMESPACE: "default", LABELS: labels }, userAgentName: "envoy" },
      userAgentVersionType: { case: "userAgentBuildVersion", value: version } as const,
    };
  }

  #namesOf(type: AskedType): string[] {
    const { routes = ["80"], extensions = [] } = this.#options;
    return [
      ...{ cluster: [], endpoint: this.#names, listener: [], route: routes, virtualhost: [], extension: extensions }[
        type
      ],
    ];
  }

  /** Names of clusters whose endpoints are asked for. */
  #clusters(resources: readonly Uint8Array[]): string[] {
    const names = resources.map((each) => clusterName(each, this.#options.delta));
    return names.filter((name) => name.startsWith("outbound|"));
  }

  #take(bytes: Buffer): void {
    this.bytes += bytes.length;
    this.messages++;
    const fields = this.#options.delta ? DELTA : SOTW;
    const reader = new BinaryReader(bytes);
    let type: AskedType = "cluster";
    let nonce = "";
    const resources: Uint8Array[] = [];
    while (reader.pos < reader.len) {
      const [field, wireType] = reader.tag();
      if (field === fields.resources) resources.push(reader.bytes());
      else if (field === fields.typeUrl) type = typeOf(reader.string());
      else if (field === fields.nonce) nonce = reader.string();
      else reader.skip(wireType);
    }
    const first = !this.#nonces.has(type);
    const known = new Set(this.#names);
    const fresh = type === "cluster" ? this.#clusters(resources).filter((name) => !known.has(name)) : [];
    this.#names.push(...fresh);
    this.#nonces.set(type, nonce);
    this.#send(type, this.#options.reject?.(bytes));
    // As Envoy does: a new cluster is not used before it has its endpoints.
    if (fresh.length > 0 && this.#nonces.has("endpoint")) this.#send("endpoint", undefined, fresh);
    this.#options.onMessage?.(bytes, type);
    if (!first) return;
    const isSplit =
      type === "route" && resources.some((each) => hasField(resourceValue(each, this.#options.delta), VHDS));
    const next = isSplit ? "virtualhost" : NEXT[type];
    if (next && (next !== "extension" || this.#options.extensions?.length)) this.#send(next);
    if (next === "extension") this.#completion.resolve();
  }
}

function typeOf(url: string): AskedType {
  return TYPES.find((type) => TYPE_URL[type] === url) ?? "cluster";
}

/** A cluster's name: the first field of the message in the Any (in Delta, of the Any in the Resource). */
function clusterName(bytes: Uint8Array, delta: boolean): string {
  return Buffer.from(field(resourceValue(bytes, delta), 1)).toString("utf8");
}

/** The resource in an Any, or in Delta in the Any of a Resource. */
function resourceValue(bytes: Uint8Array, delta: boolean): Uint8Array {
  return field(delta ? field(bytes, DELTA_RESOURCE) : bytes, ANY_VALUE);
}

function hasField(bytes: Uint8Array, wanted: number): boolean {
  return findField(bytes, wanted) !== undefined;
}

function field(bytes: Uint8Array, wanted: number): Uint8Array {
  return findField(bytes, wanted) ?? new Uint8Array();
}

function findField(bytes: Uint8Array, wanted: number): Uint8Array | undefined {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (number === wanted && wireType === LENGTH_DELIMITED) return reader.bytes();
    reader.skip(wireType);
  }
  return undefined;
}
