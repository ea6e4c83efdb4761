import { ResourceSource } from "@xebec/api-mesh/istio/mcp/v1alpha1/mcp";
import { COLLECTIONS, type Collection, Sink } from "@xebec/galley-mcp";
import { type ClientTls, createGrpcClient, type GrpcClient } from "@xebec/platform-grpc";
import { type ConfigSource, NO_CONTENT, type PlaceContent, type SourceHost } from "../config-source.ts";
import { PlaceReader } from "../place-reader.ts";
import { keepConnected, type StreamEnd } from "./mcp-stream.ts";

/** Objects of this group depend on each other: they are validated again when attributes change. */
const MIXER_GROUP = "config.istio.io";
const UNSUPPORTED = /unsupported collection "([^"]+)"/;

export interface McpSourceOptions {
  /** `HOST:PORT`. */
  readonly address: string;
  /** Resolves when there is a certificate to sign in with. Absent: plaintext. */
  readonly tls?: (signal: AbortSignal) => Promise<ClientTls>;
  /** Largest message received, in bytes (4 MiB, as Istio 1.1). */
  readonly maxMessageBytes?: number;
  /** Of this client: galley logs it. */
  readonly nodeId: string;
  /** The collections that are asked for, those of all kinds when absent. */
  readonly wants?: (collection: Collection) => boolean;
  readonly retry?: { readonly baseMs: number; readonly maxMs: number };
}

/**
 * The configuration of a server that speaks MCP, such as galley: ours, or that of Istio 1.1. Each object is a place. What came stays while
 * the server is away; what is not valid keeps its last good form, and the server is told why.
 */
export function createMcpSource(options: McpSourceOptions): ConfigSource {
  return new McpSource(options);
}

class McpSource implements ConfigSource {
  readonly name: string;
  readonly #options: McpSourceOptions;
  readonly #sink: Sink;
  readonly #places = new Map<string, PlaceContent>();
  /** Objects whose validity depends on others, by place. */
  readonly #raw = new Map<string, Record<string, unknown>>();
  readonly #stop = new AbortController();
  readonly #started = new Date();
  #client: GrpcClient<typeof ResourceSource> | undefined;
  #running: Promise<void> = Promise.resolve();
  #host: SourceHost | undefined;
  #isWhole = false;
  /** Why there is no stream. */
  #problem: string | undefined;

  constructor(options: McpSourceOptions) {
    const { address, tls, nodeId, wants = () => true } = options;
    this.name = `${tls ? "mcps" : "mcp"}://${address}`;
    this.#options = options;
    this.#sink = new Sink({
      collections: COLLECTIONS.filter((each) => each.kind && wants(each)),
      node: { id: nodeId },
      put: (collection, name, object) => this.#put(collection, name, object),
      remove: (collection, name) => this.#remove(this.#place(collection, name)),
    });
  }

  async start(host: SourceHost): Promise<void> {
    this.#host = host;
    const { retry } = this.#options;
    this.#running = keepConnected(
      {
        ...{ server: this.name, ...(retry ? { retry } : {}) },
        connect: async (signal) => this.#connect(await this.#dial(signal), signal),
        problem: (text) => {
          this.#problem = text;
        },
      },
      this.#stop.signal,
    );
  }

  places(): ReadonlyMap<string, PlaceContent> | undefined {
    return this.#isWhole ? this.#places : undefined;
  }

  async revalidate(): Promise<void> {
    for (const [place, raw] of this.#raw) this.#places.set(place, this.#read(place, raw));
  }

  missing(): readonly string[] {
    if (this.#isWhole) return [];
    if (this.#problem !== undefined) return [this.#problem];
    const [first = "", ...others] = this.#sink.missing();
    return [
      `${this.name} has not sent ${first}${others.length > 0 ? ` and ${others.length} other collections` : ""} yet`,
    ];
  }

  async close(): Promise<void> {
    this.#host = undefined;
    this.#stop.abort();
    await this.#running;
    this.#client?.close();
  }

  async #dial(signal: AbortSignal): Promise<GrpcClient<typeof ResourceSource>> {
    const { address, tls, maxMessageBytes = 4 << 20 } = this.#options;
    this.#client ??= createGrpcClient({
      ...{ descriptor: ResourceSource, address, maxMessageBytes },
      ...(tls ? { tls: await tls(signal) } : {}),
    });
    return this.#client;
  }

  #connect(client: GrpcClient<typeof ResourceSource>, signal: AbortSignal): Promise<StreamEnd> {
    return new Promise((resolve) => {
      const stream = client.establishResourceStream({ signal });
      let isFruitful = false;
      stream.onEnd((error) => {
        // A galley of Istio 1.1 has no collections of today's kinds.
        const [, collection] = UNSUPPORTED.exec(error?.message ?? "") ?? [];
        const isKnownNow = collection !== undefined && this.#sink.without(collection);
        if (isKnownNow) this.#settle();
        resolve({ error, isFruitful, isImmediate: isKnownNow });
      });
      // One message after the other.
      let turn = Promise.resolve();
      stream.onMessage((message) => {
        isFruitful = true;
        turn = turn.then(async () => {
          if (signal.aborted || stream.closed) return;
          stream.write(await this.#sink.take(message));
          this.#taken();
        });
      });
      for (const request of this.#sink.requests()) stream.write(request);
    });
  }

  #put(collection: Collection, name: string, raw: Record<string, unknown>): string | undefined {
    const place = this.#place(collection, name);
    const content = this.#read(place, raw);
    this.#places.set(place, content);
    if (collection.kind?.group !== MIXER_GROUP) {
      const [error] = content.errors;
      return error && `${collection.kind?.kind} ${name}: ${error.message}`;
    }
    // What an object of Mixer's lacks may be under way.
    this.#raw.set(place, raw);
    return undefined;
  }

  #remove(place: string): void {
    this.#places.delete(place);
    this.#raw.delete(place);
    this.#host?.earlier.forget(place);
  }

  #taken(): void {
    this.#problem = undefined;
    if (this.#isWhole) this.#host?.changed();
    else this.#settle();
  }

  #settle(): void {
    if (this.#isWhole || this.#sink.missing().length > 0) return;
    this.#isWhole = true;
    this.#host?.earlier.settle((place) => this.#places.has(place));
    this.#host?.changed();
  }

  #place({ kind }: Collection, name: string): string {
    return `${kind?.kind} ${name} of ${this.name}`;
  }

  #read(place: string, raw: Record<string, unknown>): PlaceContent {
    const host = this.#host;
    if (!host) return NO_CONTENT;
    const before = this.#places.get(place) ?? host.earlier.of(place);
    const reader = new PlaceReader(place, before, host.rules(), (key) =>
      host.createdAt(key, this.#isWhole ? undefined : this.#started),
    );
    reader.add({ value: raw, line: 0, path: [], lineOf: () => 0 });
    return reader.content;
  }
}
