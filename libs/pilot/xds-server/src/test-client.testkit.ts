import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { NodeSchema } from "@xebec/api-envoy/envoy/config/core/v3/base";
import {
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  type DiscoveryResponse,
  DiscoveryResponseSchema,
} from "@xebec/api-envoy/envoy/service/discovery/v3/discovery";
import type { Identity } from "@xebec/model-names";
import { TYPE_URL, type XdsType } from "@xebec/pilot-xds-gen";
import type { CallContext, RawStream } from "@xebec/platform-grpc";
import type { XdsServer } from "./server/xds-server.ts";

/** A stream in memory: what the server writes is kept. */
class MemoryStream implements RawStream {
  readonly written: Buffer[] = [];
  queuedBytes = 0;
  closed = false;
  failure: unknown;
  /** What to do with a message's `handed`; by default nothing: the bytes stay under way. */
  handed: (done: () => void) => void = () => {};
  message: (bytes: Buffer) => void = () => {};
  #close: () => void = () => {};

  write(bytes: Uint8Array, handed?: () => void): boolean {
    this.written.push(Buffer.from(bytes));
    if (handed) this.handed(handed);
    return true;
  }
  /** The client has read. */
  drain: () => void = () => {};

  onDrain(handler: () => void): void {
    this.drain = handler;
  }

  compress(): void {}

  onMessage(handler: (bytes: Buffer) => void): void {
    this.message = handler;
  }
  onEnd(): void {}
  onClose(handler: () => void): void {
    this.#close = handler;
  }
  pause(): void {}
  resume(): void {}
  end(): void {
    this.closed = true;
    this.#close();
  }
  fail(error: unknown): void {
    this.failure = error;
    this.end();
  }
  abort(): void {
    this.end();
  }
}

const NODE = { id: "sidecar~10.0.0.9~app-1.default~default.svc.cluster.local", metadata: { NAMESPACE: "default" } };
const CALL = {
  path: "",
  peer: "test",
  metadata: () => undefined,
  signal: new AbortController().signal,
} as unknown as CallContext;

const IDENTITY = { trustDomain: "cluster.local", namespace: "default", serviceAccount: "default" };

export interface ClientOptions {
  /** What it has accepted on an earlier stream. */
  readonly versions?: Partial<Record<TestType, string>>;
  readonly userAgent?: string;
  /** Comes with a certificate. */
  readonly authenticated?: boolean;
  /** Who it is, where it is authenticated; the usual sidecar when left out. */
  readonly identity?: Identity;
  /** In the Delta form: the minor version of Envoy 1, as its node says it. */
  readonly envoyMinor?: number;
  /** In place of the usual sidecar's. */
  readonly node?: { readonly id: string; readonly metadata: Record<string, string | Record<string, string>> };
}

/** A proxy that speaks the state-of-the-world form and acknowledges nothing by itself. */
export class SotwClient {
  readonly stream = new MemoryStream();
  readonly #nonces = new Map<TestType, string>();
  #isFirstRequest = true;

  readonly #versions: Partial<Record<TestType, string>>;
  readonly #userAgent: string;
  readonly #node: NonNullable<ClientOptions["node"]>;

  constructor(server: XdsServer, options: ClientOptions = {}) {
    const { versions = {}, userAgent = "envoy", authenticated = false, identity = IDENTITY, node = NODE } = options;
    this.#node = node;
    this.#versions = versions;
    this.#userAgent = userAgent;
    const method = server.service(authenticated ? () => identity : undefined).methods[0];
    if (method?.kind === "stream") method.handler(this.stream, CALL);
  }

  /** Asks for a type, or acknowledges its last answer; with `error` it rejects it. */
  send(type: TestType, names: readonly string[] = [], error?: string): void {
    const nonce = this.#nonces.get(type) ?? "";
    const request = create(DiscoveryRequestSchema, {
      typeUrl: urlOf(type),
      resourceNames: [...names],
      responseNonce: nonce,
      versionInfo: nonce === "" ? (this.#versions[type] ?? "") : "",
      ...(this.#isFirstRequest ? { node: { ...this.#node, userAgentName: this.#userAgent } } : {}),
      ...(error ? { errorDetail: { code: 13, message: error } } : {}),
    });
    this.#isFirstRequest = false;
    this.stream.message(Buffer.from(toBinary(DiscoveryRequestSchema, request)));
  }

  /** Starts a type over: the next request of it has no nonce. */
  restart(type: TestType): void {
    this.#nonces.delete(type);
  }

  /** Takes the answers that came since the last call. */
  take(): { readonly type: TestType; readonly count: number; readonly response: DiscoveryResponse }[] {
    return this.stream.written.splice(0).map((bytes) => {
      const response = fromBinary(DiscoveryResponseSchema, bytes);
      const type = typeOf(response.typeUrl);
      this.#nonces.set(type, response.nonce);
      return { type, count: response.resources.length, response };
    });
  }
}

/** The same in the Delta form. */
export class DeltaClient {
  readonly stream = new MemoryStream();
  #isFirstRequest = true;

  readonly #node: MessageInitShape<typeof NodeSchema>;

  constructor(server: XdsServer, { authenticated = false, node = NODE, envoyMinor }: ClientOptions = {}) {
    const version = { version: { majorNumber: 1, minorNumber: envoyMinor ?? 0, patch: 0 } };
    this.#node =
      envoyMinor === undefined
        ? node
        : { ...node, userAgentVersionType: { case: "userAgentBuildVersion", value: version } };
    const method = server.service(authenticated ? () => IDENTITY : undefined).methods[1];
    if (method?.kind === "stream") method.handler(this.stream, CALL);
  }

  send(
    type: TestType,
    fields: {
      readonly subscribe?: readonly string[];
      readonly unsubscribe?: readonly string[];
      readonly nonce?: string;
      readonly initial?: Record<string, string>;
      readonly error?: string;
    } = {},
  ): void {
    const request = create(DeltaDiscoveryRequestSchema, {
      typeUrl: urlOf(type),
      resourceNamesSubscribe: [...(fields.subscribe ?? [])],
      resourceNamesUnsubscribe: [...(fields.unsubscribe ?? [])],
      initialResourceVersions: fields.initial ?? {},
      responseNonce: fields.nonce ?? "",
      ...(this.#isFirstRequest ? { node: this.#node } : {}),
      ...(fields.error ? { errorDetail: { code: 13, message: fields.error } } : {}),
    });
    this.#isFirstRequest = false;
    this.stream.message(Buffer.from(toBinary(DeltaDiscoveryRequestSchema, request)));
  }

  take(): { readonly type: TestType; readonly names: string[]; readonly response: DeltaDiscoveryResponse }[] {
    return this.stream.written.splice(0).map((bytes) => {
      const response = fromBinary(DeltaDiscoveryResponseSchema, bytes);
      return { type: typeOf(response.typeUrl), names: response.resources.map((each) => each.name), response };
    });
  }
}

/** A type of pilot's own by its name, or any other by its URL. */
export type TestType = XdsType | `type.googleapis.com/${string}` | `istio.io/${string}`;

function urlOf(type: TestType): string {
  return Object.hasOwn(TYPE_URL, type) ? TYPE_URL[type as XdsType] : type;
}

function typeOf(url: string): TestType {
  const found = Object.entries(TYPE_URL).find(([, each]) => each === url);
  return (found?.[0] ?? url) as TestType;
}
