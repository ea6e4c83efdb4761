import { type IncomingMessage, request as plainRequest } from "node:http";
import { XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import { type Cluster, type ClusterOptions, openCluster } from "./cluster.ts";
import { KubeError, type KubeStatus } from "./kube-error.ts";
import { type KubeObject, pathOf, type ResourcePath, type ResourceType } from "./resource-type.ts";

const log = logger("kube");

/** One request to an API server. */
export interface KubeCall {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** `/api/v1/pods`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Of the body (`application/json`). */
  readonly contentType?: string;
  readonly accept?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** For the whole answer, or the head of a stream's, in milliseconds (30 s). */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** Gets the head of an answer that is no error. */
  readonly answered?: (answer: IncomingMessage) => void;
}

/** A client of an API server. */
export interface KubeClient {
  /** Of the context, or of the pod. */
  readonly namespace: string | undefined;
  /** `https://10.96.0.1:443`, for messages. */
  readonly server: string;
  /**
   * Sends a request and reads its whole answer.
   * @returns undefined for an answer without body (204, 304)
   * @throws KubeError for an answer that is an error; XebecError unavailable when there is none, deadline_exceeded when it is late
   */
  call<T = KubeObject>(call: KubeCall): Promise<T>;
  /** Sends a request whose answer is read as it comes. The caller reads or destroys it. @throws as `call` */
  stream(call: KubeCall): Promise<IncomingMessage>;
  get<T = KubeObject>(type: ResourceType, path: ResourcePath, signal?: AbortSignal): Promise<T>;
  create<T = KubeObject>(type: ResourceType, object: KubeObject, signal?: AbortSignal): Promise<T>;
  /** Replaces an object; with its resource version only if nobody has changed it meanwhile. */
  replace<T = KubeObject>(type: ResourceType, object: KubeObject, signal?: AbortSignal): Promise<T>;
  /** @param patch a JSON patch (RFC 6902) when it is a list, else a merge patch (RFC 7396) */
  patch<T = KubeObject>(type: ResourceType, path: ResourcePath, patch: unknown, signal?: AbortSignal): Promise<T>;
  delete(type: ResourceType, path: ResourcePath, signal?: AbortSignal): Promise<void>;
  close(): void;
}

/** Largest answer that is read whole. An object has 3 MiB at the most; discovery of a large cluster has some MiB. */
const MAX_ANSWER_BYTES = 32 << 20;
const TIMEOUT_MS = 30_000;

/** Opens a client: see `openCluster`. */
export async function openKubeClient(options: ClusterOptions = {}): Promise<KubeClient> {
  return createKubeClient(await openCluster(options));
}

/** @param cluster is closed with the client */
export function createKubeClient(cluster: Cluster): KubeClient {
  return new Client(cluster);
}

class Client implements KubeClient {
  readonly #cluster: Cluster;
  /** The last request had no answer: said once, not for each of the many watches. */
  #isLost = false;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  get namespace(): string | undefined {
    return this.#cluster.namespace;
  }

  get server(): string {
    return this.#cluster.server.origin;
  }

  async call<T>(call: KubeCall): Promise<T> {
    const late = AbortSignal.timeout(call.timeoutMs ?? TIMEOUT_MS);
    const signal = call.signal ? AbortSignal.any([call.signal, late]) : late;
    try {
      const answer = await this.#open(call, signal);
      const text = await readAll(answer, MAX_ANSWER_BYTES, what(call));
      return (text === "" ? undefined : parsed(text, what(call))) as T;
    } catch (error) {
      throw this.#failure(error, call, late);
    }
  }

  async stream(call: KubeCall): Promise<IncomingMessage> {
    // The time is only for the head: the signal of the caller ends the body.
    const head = new AbortController();
    const timer = setTimeout(() => head.abort(), call.timeoutMs ?? TIMEOUT_MS);
    const end = (): void => head.abort();
    call.signal?.addEventListener("abort", end, { once: true });
    // One that was aborted before says nothing any more.
    if (call.signal?.aborted) end();
    try {
      const answer = await this.#open(call, head.signal);
      answer.once("close", () => call.signal?.removeEventListener("abort", end));
      return answer;
    } catch (error) {
      call.signal?.removeEventListener("abort", end);
      throw this.#failure(error, call, head.signal);
    } finally {
      clearTimeout(timer);
    }
  }

  get<T>(type: ResourceType, path: ResourcePath, signal?: AbortSignal): Promise<T> {
    return this.call<T>({ method: "GET", path: pathOf(type, path), signal });
  }

  create<T>(type: ResourceType, object: KubeObject, signal?: AbortSignal): Promise<T> {
    const { namespace } = object.metadata;
    return this.call<T>({ method: "POST", path: pathOf(type, { namespace }), body: object, signal });
  }

  replace<T>(type: ResourceType, object: KubeObject, signal?: AbortSignal): Promise<T> {
    const { namespace, name } = object.metadata;
    return this.call<T>({ method: "PUT", path: pathOf(type, { namespace, name }), body: object, signal });
  }

  patch<T>(type: ResourceType, path: ResourcePath, patch: unknown, signal?: AbortSignal): Promise<T> {
    const contentType = Array.isArray(patch) ? "application/json-patch+json" : "application/merge-patch+json";
    return this.call<T>({ method: "PATCH", path: pathOf(type, path), body: patch, contentType, signal });
  }

  async delete(type: ResourceType, path: ResourcePath, signal?: AbortSignal): Promise<void> {
    await this.call({ method: "DELETE", path: pathOf(type, path), signal });
  }

  close(): void {
    this.#cluster.close();
  }

  async #open(call: KubeCall, signal: AbortSignal): Promise<IncomingMessage> {
    const answer = await this.#send(call, signal);
    if (this.#isLost) log.info({ server: this.server }, "the API server is reached again");
    this.#isLost = false;
    const { statusCode = 0 } = answer;
    if ((statusCode >= 200 && statusCode < 300) || statusCode === 304) {
      call.answered?.(answer);
      return answer;
    }
    if (statusCode === 401) this.#cluster.refused();
    throw await errorOf(answer, what(call));
  }

  async #send(call: KubeCall, signal: AbortSignal): Promise<IncomingMessage> {
    const { method, path, query = {}, body, contentType = "application/json", accept = "application/json" } = call;
    const { headers, agent } = await this.#cluster.credentials();
    const url = new URL(this.#cluster.server);
    url.pathname = url.pathname.replace(/\/$/, "") + path;
    for (const [key, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(key, String(value));
    const text = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const send = url.protocol === "https:" ? process.getBuiltinModule("node:https").request : plainRequest;
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const request = send(url, {
        ...{ method, agent, signal },
        headers: {
          ...{ "user-agent": "xebec", accept, ...headers, ...call.headers },
          ...(text ? { "content-type": contentType, "content-length": text.length } : {}),
        },
      });
      request.on("error", reject);
      request.on("response", resolve);
      request.end(text);
    });
  }

  /** What a caller sees of whatever went wrong. */
  #failure(error: unknown, call: KubeCall, late: AbortSignal): unknown {
    if (error instanceof XebecError) return error;
    if (call.signal?.aborted) return new XebecError("cancelled", `${what(call)}: it was given up`, { cause: error });
    if (late.aborted)
      return new XebecError(
        "deadline_exceeded",
        `${what(call)}: ${this.server} did not answer within ${call.timeoutMs ?? TIMEOUT_MS} ms`,
        { cause: error },
      );
    const { code, message } = error as NodeJS.ErrnoException;
    if (!this.#isLost) log.warn({ err: error, server: this.server }, "the API server cannot be reached; trying again");
    this.#isLost = true;
    return new XebecError("unavailable", `${what(call)}: ${this.server} cannot be reached: ${code ?? message}`, {
      cause: error,
    });
  }
}

function what({ method, path, query }: KubeCall): string {
  return `${query?.watch ? "WATCH" : method} ${path}`;
}

async function errorOf(answer: IncomingMessage, asked: string): Promise<KubeError> {
  const status = answer.statusCode ?? 0;
  const text = await readAll(answer, 1 << 20, asked).catch(() => "");
  let body: KubeStatus;
  try {
    body = JSON.parse(text) as KubeStatus;
  } catch {
    body = { message: text.slice(0, 200).trim() };
  }
  const after = Number(answer.headers["retry-after"]);
  return new KubeError(asked, status, body ?? {}, Number.isFinite(after) && after > 0 ? after * 1_000 : undefined);
}

/** @throws XebecError resource_exhausted */
async function readAll(answer: IncomingMessage, limit: number, asked: string): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) {
      answer.destroy();
      throw new XebecError("resource_exhausted", `${asked}: the answer has more than ${limit} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parsed(text: string, asked: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new XebecError("data_loss", `${asked}: the answer is not JSON`, { cause: error });
  }
}
