import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
  ResourceSchema,
} from "@xebec/api-envoy/envoy/service/discovery/v3/discovery";
import { TYPE_URL, type XdsType } from "@xebec/pilot-xds-gen";
import type { GrpcChannel } from "@xebec/platform-grpc";

/** What the client asks for, in this order. */
const ORDER = ["cluster", "endpoint", "listener", "route"] as const satisfies readonly XdsType[];
type AskedType = (typeof ORDER)[number];
const SERVICE = "/envoy.service.discovery.v3.AggregatedDiscoveryService";

const sotw = DiscoveryResponseSchema.field;
const SOTW = { resources: sotw.resources.number, typeUrl: sotw.typeUrl.number, nonce: sotw.nonce.number };
const delta = DeltaDiscoveryResponseSchema.field;
const DELTA = { resources: delta.resources.number, typeUrl: delta.typeUrl.number, nonce: delta.nonce.number };
const DELTA_RESOURCE = ResourceSchema.field.resource.number;
const ANY_VALUE = AnySchema.field.value.number;
const LENGTH_DELIMITED = 2;
const INVALID_ARGUMENT = 3;

export interface AdsClientOptions {
  readonly id: string;
  readonly delta: boolean;
  /** The pod's labels; none by default. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Says what is wrong with a message that the client then rejects; undefined accepts it. */
  readonly reject?: (bytes: Buffer) => string | undefined;
  /** Called with the bytes of each message that holds this text; for measuring when a change arrives. */
  readonly onMessage?: (bytes: Buffer) => void;
}

/**
 * A proxy that only subscribes: it asks for clusters, their endpoints, listeners and the route table of port 80, acknowledges
 * everything, and decodes no more than the names that it must follow.
 */
export class AdsClient {
  readonly #options: AdsClientOptions;
  readonly #stream: ReturnType<GrpcChannel["duplex"]>;
  readonly #nonces = new Map<AskedType, string>();
  #names: string[] = [];
  #isFirstRequest = true;
  #complete: (() => void) | undefined;
  bytes = 0;
  messages = 0;
  /** Resolves when every type was answered once. */
  readonly complete: Promise<void>;

  constructor(channel: GrpcChannel, options: AdsClientOptions) {
    this.#options = options;
    this.complete = new Promise((resolve) => {
      this.#complete = resolve;
    });
    this.#stream = channel.duplex(
      `${SERVICE}/${options.delta ? "DeltaAggregatedResources" : "StreamAggregatedResources"}`,
    );
    this.#stream.onMessage((bytes) => this.#take(bytes));
    this.#send("cluster");
  }

  close(): void {
    this.#stream.end();
  }

  #send(type: AskedType, error?: string): void {
    const { id, labels = {} } = this.#options;
    const node = this.#isFirstRequest ? { node: { id, metadata: { NAMESPACE: "default", LABELS: labels } } } : {};
    this.#isFirstRequest = false;
    const names = type === "endpoint" ? this.#names : type === "route" ? ["80"] : [];
    const nonce = this.#nonces.get(type) ?? "";
    const errorDetail = error === undefined ? {} : { errorDetail: { code: INVALID_ARGUMENT, message: error } };
    const head = { typeUrl: TYPE_URL[type], responseNonce: nonce, ...node, ...errorDetail };
    this.#stream.write(
      this.#options.delta
        ? toBinary(
            DeltaDiscoveryRequestSchema,
            create(DeltaDiscoveryRequestSchema, { ...head, resourceNamesSubscribe: nonce === "" ? names : [] }),
          )
        : toBinary(DiscoveryRequestSchema, create(DiscoveryRequestSchema, { ...head, resourceNames: names })),
    );
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
    if (type === "cluster" && first)
      this.#names = resources
        .map((each) => clusterName(each, this.#options.delta))
        .filter((name) => name.startsWith("outbound|"));
    this.#nonces.set(type, nonce);
    this.#send(type, this.#options.reject?.(bytes));
    this.#options.onMessage?.(bytes);
    if (!first) return;
    const next = ORDER[ORDER.indexOf(type) + 1];
    if (next) this.#send(next);
    else this.#complete?.();
  }
}

function typeOf(url: string): AskedType {
  return ORDER.find((type) => TYPE_URL[type] === url) ?? "cluster";
}

/** A cluster's name: the first field of the message in the Any (in Delta, of the Any in the Resource). */
function clusterName(bytes: Uint8Array, delta: boolean): string {
  const any = delta ? field(bytes, DELTA_RESOURCE) : bytes;
  const cluster = field(any, ANY_VALUE);
  return Buffer.from(field(cluster, 1)).toString("utf8");
}

function field(bytes: Uint8Array, wanted: number): Uint8Array {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (number === wanted && wireType === LENGTH_DELIMITED) return reader.bytes();
    reader.skip(wireType);
  }
  return new Uint8Array();
}
