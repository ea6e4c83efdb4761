import { createHash } from "node:crypto";
import { Agent, createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Cluster } from "./cluster.ts";
import { apiVersionOf, type KubeObject, pathOf, type ResourceType } from "./resource-type.ts";

/** A request as a test looks at it. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
}

/** Answers a request in place of the server. @returns false: the server does it */
type Intercept = (request: SeenRequest, response: ServerResponse) => boolean;

interface Watcher {
  readonly prefix: string;
  readonly response: ServerResponse;
  readonly fieldSelector: string | null;
}

interface Stored {
  readonly type: ResourceType;
  readonly object: KubeObject;
}

interface Logged {
  readonly version: number;
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly path: string;
  readonly object: KubeObject;
}

/**
 * An API server in memory for tests of odd answers: lists in pages, watches, versions that expire, and whatever a test puts in the
 * place of an answer. It knows nothing of admission, schemas and field ownership; those are tested on the real one.
 */
export class FakeApiServer {
  /** Every request that came, in order. */
  readonly requests: SeenRequest[] = [];
  readonly #server: Server;
  readonly #types = new Map<string, ResourceType>();
  /** By path. */
  readonly #objects = new Map<string, Stored>();
  readonly #log: Logged[] = [];
  readonly #watchers = new Set<Watcher>();
  readonly #intercepts: Intercept[] = [];
  readonly #agent = new Agent({ keepAlive: true });
  #version = 100;
  #oldest = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param types that it has from the start */
  static async start(types: readonly ResourceType[]): Promise<FakeApiServer> {
    const server = createServer();
    const fake = new FakeApiServer(server);
    server.on("request", (request, response) => void fake.#handle(request, response));
    for (const type of types) fake.install(type);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return fake;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** A cluster that leads here. */
  get cluster(): Cluster {
    return {
      server: new URL(this.url),
      namespace: undefined,
      credentials: async () => ({ headers: {}, agent: this.#agent }),
      refused: () => {},
      close: () => {},
    };
  }

  async close(): Promise<void> {
    this.#agent.destroy();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** The type is served from now on, as after its CRD was installed. */
  install(type: ResourceType): void {
    this.#types.set(pathOf(type), type);
  }

  /** Creates or changes an object, as somebody else would. */
  put(type: ResourceType, object: { readonly metadata: { readonly name: string; readonly namespace?: string } }): void {
    const { namespace = "default", name } = object.metadata;
    this.#store(type, pathOf(type, { namespace, name }), object as KubeObject);
  }

  remove(type: ResourceType, name: string, namespace = "default"): void {
    const path = pathOf(type, { namespace, name });
    const stored = this.#objects.get(path);
    if (!stored) return;
    this.#objects.delete(path);
    this.#event("DELETED", path, {
      ...stored.object,
      metadata: { ...stored.object.metadata, resourceVersion: `${++this.#version}` },
    });
  }

  object(type: ResourceType, name: string, namespace = "default"): KubeObject | undefined {
    return this.#objects.get(pathOf(type, { namespace, name }))?.object;
  }

  /** Forgets what happened until now: whoever watches from before has to list again. */
  compact(): void {
    this.#oldest = this.#version;
  }

  /** Ends every watch without a word, as a lost connection. */
  cutWatches(): void {
    for (const { response } of this.#watchers) response.destroy();
  }

  /** How many watches there are. */
  get watches(): number {
    return this.#watchers.size;
  }

  /** Writes to every watch what a test wants. */
  writeToWatches(text: string): void {
    for (const { response } of this.#watchers) response.write(text);
  }

  bookmark(): void {
    this.writeToWatches(
      `${JSON.stringify({ type: "BOOKMARK", object: { metadata: { resourceVersion: `${this.#version}` } } })}\n`,
    );
  }

  /** Answers the next request that fits in place of the server. */
  once(fits: (request: SeenRequest) => boolean, answer: (response: ServerResponse) => void): void {
    const intercept: Intercept = (request, response) => {
      if (!fits(request)) return false;
      this.#intercepts.splice(this.#intercepts.indexOf(intercept), 1);
      answer(response);
      return true;
    };
    this.#intercepts.push(intercept);
  }

  /** As long as the result is not called. */
  during(answer: Intercept): () => void {
    this.#intercepts.push(answer);
    return () => void this.#intercepts.splice(this.#intercepts.indexOf(answer), 1);
  }

  #store(type: ResourceType, path: string, object: KubeObject): KubeObject {
    const before = this.#objects.get(path)?.object;
    const stored: KubeObject = {
      apiVersion: apiVersionOf(type),
      kind: type.kind,
      ...object,
      metadata: {
        ...(type.clusterScoped ? {} : { namespace: "default" }),
        uid: before?.metadata.uid ?? `uid-${this.#version}`,
        creationTimestamp: before?.metadata.creationTimestamp ?? "2026-01-01T00:00:00Z",
        ...object.metadata,
        resourceVersion: `${++this.#version}`,
      },
    };
    this.#objects.set(path, { type, object: stored });
    this.#event(before ? "MODIFIED" : "ADDED", path, stored);
    return stored;
  }

  #event(type: Logged["type"], path: string, object: KubeObject): void {
    const event = { version: this.#version, type, path, object };
    this.#log.push(event);
    for (const watcher of this.#watchers) this.#send(watcher, event);
  }

  #send({ prefix, response, fieldSelector }: Watcher, { type, path, object }: Logged): void {
    if (isWithin(path, prefix) && selects(fieldSelector, object))
      response.write(`${JSON.stringify({ type, object })}\n`);
  }

  async #handle(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString("utf8");
    const url = new URL(message.url ?? "/", "http://localhost");
    const request: SeenRequest = {
      ...{ method: message.method ?? "GET", path: url.pathname, query: url.searchParams },
      body: text ? JSON.parse(text) : undefined,
    };
    this.requests.push(request);
    if (this.#intercepts.some((each) => each(request, response))) return;
    if (request.path === "/apis") this.#discovery(message, response);
    else this.#answer(request, response);
  }

  #discovery(message: IncomingMessage, response: ServerResponse): void {
    const items = [...this.#types.values()].map(({ group, version, plural }) => ({
      metadata: { name: group },
      versions: [{ version, resources: [{ resource: plural }] }],
    }));
    const body = JSON.stringify({ kind: "APIGroupDiscoveryList", items });
    const etag = `"${createHash("sha1").update(body).digest("hex")}"`;
    if (message.headers["if-none-match"] === etag) response.writeHead(304).end();
    else response.writeHead(200, { "content-type": "application/json", etag }).end(body);
  }

  #answer(request: SeenRequest, response: ServerResponse): unknown {
    const { method, path, query } = request;
    const asked = this.#typeOf(path);
    if (!asked) return answerStatus(response, 404, "NotFound", "the server could not find the requested resource");
    if (method === "GET" && query.get("watch") === "true") return this.#watch(request, response);
    if (method === "GET" && asked.name === undefined) return this.#list(request, asked.type, response);
    const target = method === "POST" ? pathOf(asked.type, nameOf(request.body as KubeObject)) : asked.object;
    const known = this.#objects.get(target)?.object;
    if (method === "POST" && known) return answerStatus(response, 409, "AlreadyExists", `${target} already exists`);
    if (method !== "POST" && !known && query.get("fieldManager") === null)
      return answerStatus(response, 404, "NotFound", `${target} not found`);
    if (method === "GET") return answerJson(response, 200, known);
    if (method === "DELETE") {
      this.remove(asked.type, asked.name ?? "", known?.metadata.namespace);
      return answerJson(response, 200, { kind: "Status", status: "Success" });
    }
    const body = request.body as KubeObject;
    const version = body.metadata?.resourceVersion;
    if (method === "PUT" && version && version !== known?.metadata.resourceVersion)
      return answerStatus(response, 409, "Conflict", "the object has been modified");
    const next = method === "PATCH" ? (merged(known ?? {}, body) as KubeObject) : body;
    answerJson(response, method === "POST" ? 201 : 200, this.#store(asked.type, target, next));
  }

  #typeOf(path: string): { type: ResourceType; name: string | undefined; object: string } | undefined {
    for (const type of this.#types.values()) {
      const root = type.group === "" ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
      const match = new RegExp(`^${root}(?:/namespaces/([^/]+))?/${type.plural}(?:/([^/]+))?(?:/[a-z]+)?$`).exec(path);
      if (!match) continue;
      const [, namespace, name] = match;
      return { type, name, object: pathOf(type, { namespace, name }) };
    }
    return undefined;
  }

  #list({ path, query }: SeenRequest, type: ResourceType, response: ServerResponse): void {
    const all = [...this.#objects]
      .filter(([each, { object }]) => isWithin(each, path) && selects(query.get("fieldSelector"), object))
      .map(([, { object }]) => object);
    const from = Number(query.get("continue") ?? 0);
    const limit = Number(query.get("limit") ?? all.length);
    const isMore = from + limit < all.length;
    const metadata = { resourceVersion: `${this.#version}`, ...(isMore ? { continue: `${from + limit}` } : {}) };
    // As a CRD's objects are listed: metadata behind the items.
    const list = {
      apiVersion: apiVersionOf(type),
      items: all.slice(from, from + limit),
      kind: `${type.kind}List`,
      metadata,
    };
    answerJson(response, 200, list);
  }

  #watch({ path, query }: SeenRequest, response: ServerResponse): unknown {
    const from = Number(query.get("resourceVersion"));
    if (from < this.#oldest) return answerStatus(response, 410, "Expired", "too old resource version");
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    const watcher: Watcher = { prefix: path, response, fieldSelector: query.get("fieldSelector") };
    for (const event of this.#log) if (event.version > from) this.#send(watcher, event);
    this.#watchers.add(watcher);
    return response.on("close", () => this.#watchers.delete(watcher));
  }
}

/** Answers with a `Status` that is an error. */
export function answerStatus(response: ServerResponse, code: number, reason: string, message: string): unknown {
  return answerJson(response, code, { kind: "Status", status: "Failure", code, reason, message });
}

export function answerJson(response: ServerResponse, code: number, body: unknown): unknown {
  return response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function nameOf({ metadata }: KubeObject): { namespace?: string; name: string } {
  return { ...(metadata.namespace ? { namespace: metadata.namespace } : {}), name: metadata.name };
}

/** Whether an object's path is within that of a collection, of one namespace or of all. */
function isWithin(object: string, collection: string): boolean {
  return object.startsWith(`${collection}/`) || object.replace(/\/namespaces\/[^/]+/, "").startsWith(`${collection}/`);
}

function selects(fieldSelector: string | null, { metadata, type = "" }: KubeObject): boolean {
  return (fieldSelector ?? "").split(",").every((each) => {
    const [, field, operator, value] = /^([^!=]+)(!?=)(.*)$/.exec(each) ?? [];
    if (field === undefined) return true;
    const actual = field === "metadata.name" ? metadata.name : field === "type" ? type : undefined;
    return (actual === value) === (operator === "=");
  });
}

function merged(before: unknown, patch: unknown): unknown {
  if (patch === null || typeof patch !== "object" || Array.isArray(patch)) return patch;
  const all: Record<string, unknown> = { ...(before as object) };
  for (const [key, value] of Object.entries(patch)) all[key] = merged(all[key], value);
  return all;
}
