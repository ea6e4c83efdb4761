import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { type Code, XebecError } from "@xebec/core-errors";

export interface CallOptions {
  readonly body?: unknown;
  readonly contentType?: string;
  /** In milliseconds (10 s). */
  readonly timeoutMs?: number;
}

export const MERGE_PATCH = "application/merge-patch+json";
export const STRATEGIC_PATCH = "application/strategic-merge-patch+json";

/** Larger answers are refused. */
const MOST_BYTES = 512 << 20;
/** A watch says at least a bookmark about every minute. */
const SILENCE_MS = 150_000;
const CODES: Readonly<Record<number, Code>> = {
  400: "invalid_argument",
  401: "unauthenticated",
  403: "permission_denied",
  404: "not_found",
  409: "aborted",
  410: "out_of_range",
  422: "invalid_argument",
  429: "resource_exhausted",
};

/** JSON over HTTPS to an API server, as the user of a kubeconfig that has its certificates in it. */
export class ApiClient {
  readonly server: URL;
  readonly ca: string;
  readonly #tls: { readonly ca: string; readonly cert: string; readonly key: string };
  readonly #agent: Agent;

  /** @param file a kubeconfig as the cluster's launcher writes it, JSON */
  constructor(file: string) {
    const { clusters, users } = JSON.parse(readFileSync(file, "utf8")) as Kubeconfig;
    const [cluster, user] = [clusters[0]?.cluster, users[0]?.user];
    if (!cluster || !user) throw new XebecError("invalid_argument", `${file} names no cluster and user`);
    const pem = (text: string): string => Buffer.from(text, "base64").toString();
    this.server = new URL(cluster.server);
    this.ca = pem(cluster["certificate-authority-data"]);
    this.#tls = { ca: this.ca, cert: pem(user["client-certificate-data"]), key: pem(user["client-key-data"]) };
    this.#agent = new Agent({ ...this.#tls, keepAlive: true, maxSockets: 16 });
  }

  get<T>(path: string): Promise<T> {
    return this.call("GET", path);
  }

  /** Changes part of an object. */
  patch<T>(path: string, body: unknown, contentType = MERGE_PATCH): Promise<T> {
    return this.call("PATCH", path, { body, contentType });
  }

  /** @returns undefined when there is none */
  async find<T>(path: string): Promise<T | undefined> {
    try {
      return await this.get<T>(path);
    } catch (error) {
      if (error instanceof XebecError && error.code === "not_found") return undefined;
      throw error;
    }
  }

  /**
   * One call.
   * @throws XebecError with the server's words; unavailable when there is no answer
   */
  async call<T>(method: string, path: string, options: CallOptions = {}): Promise<T> {
    const { body, contentType = "application/json", timeoutMs = 10_000 } = options;
    const answer = await this.#send(method, path, { body, contentType, agent: this.#agent, timeoutMs });
    const parts: Buffer[] = [];
    let size = 0;
    try {
      for await (const part of answer as AsyncIterable<Buffer>) {
        size += part.length;
        if (size > MOST_BYTES) throw new Error("the answer is too large");
        parts.push(part);
      }
    } catch (error) {
      throw new XebecError("unavailable", `${method} ${path}: ${(error as Error).message}`, { cause: error });
    }
    const text = Buffer.concat(parts).toString();
    const status = answer.statusCode ?? 0;
    if (status >= 200 && status < 300) return (text === "" ? undefined : JSON.parse(text)) as T;
    throw failure(method, path, status, text);
  }

  /**
   * Watches a collection; yields what the server says until it ends the stream.
   * @throws XebecError out_of_range when the version is too old
   */
  async *watch(path: string, signal: AbortSignal): AsyncGenerator<WatchEvent> {
    const answer = await this.#send("GET", path, { agent: false, timeoutMs: SILENCE_MS, signal });
    if (answer.statusCode !== 200) {
      answer.resume();
      throw failure("watch", path, answer.statusCode ?? 0, "");
    }
    answer.setEncoding("utf8");
    let rest = "";
    for await (const part of answer as AsyncIterable<string>) {
      const lines = (rest + part).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const event = JSON.parse(line) as WatchEvent;
        if (event.type === "ERROR") {
          const { code = 500, message = "" } = event.object as { code?: number; message?: string };
          throw failure("watch", path, code, JSON.stringify({ message }));
        }
        yield event;
      }
    }
  }

  #send(
    method: string,
    path: string,
    { body, contentType, agent, timeoutMs, signal }: CallOptions & { agent: Agent | false; signal?: AbortSignal },
  ): Promise<IncomingMessage> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const call = request(
        new URL(path, this.server),
        {
          method,
          agent,
          signal,
          timeout: timeoutMs,
          ...(agent === false ? this.#tls : {}),
          headers: {
            accept: "application/json",
            "user-agent": "xebec-node",
            ...(text === undefined
              ? {}
              : { "content-type": contentType, "content-length": String(Buffer.byteLength(text)) }),
          },
        },
        resolve,
      );
      call.on("timeout", () => call.destroy(new Error(`no answer within ${timeoutMs} ms`)));
      call.on("error", (error) =>
        reject(new XebecError("unavailable", `${method} ${path}: ${error.message}`, { cause: error })),
      );
      call.end(text);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

export interface WatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  readonly object: { readonly metadata: { readonly resourceVersion: string } };
}

interface Kubeconfig {
  readonly clusters: readonly {
    readonly cluster: { readonly server: string; readonly "certificate-authority-data": string };
  }[];
  readonly users: readonly {
    readonly user: { readonly "client-certificate-data": string; readonly "client-key-data": string };
  }[];
}

function failure(method: string, path: string, status: number, text: string): XebecError {
  let said = text.slice(0, 300);
  try {
    said = (JSON.parse(text) as { message?: string }).message ?? said;
  } catch {
    // not the server's own answer: its text says as much
  }
  return new XebecError(CODES[status] ?? "unavailable", `${method} ${path}: ${status} ${said}`);
}
