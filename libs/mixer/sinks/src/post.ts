import { gzipSync } from "node:zlib";
import { RejectedError } from "@xebec/mixer-sdk";

/** A client for HTTP that checks addresses (`GuardedClient` of platform/http). */
export interface HttpCaller {
  call(
    url: string,
    request: {
      readonly method?: string;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string | Uint8Array;
      readonly timeoutMs?: number;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<{
    readonly status: number;
    readonly headers: Readonly<Record<string, string | string[] | undefined>>;
    readonly body: Uint8Array;
  }>;
}

export interface PostOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text and bytes as they are, everything else as JSON. */
  readonly body: unknown;
  readonly gzip?: boolean;
  readonly signal: AbortSignal;
  /** Milliseconds (20 s); the delivery's own limit comes first. */
  readonly timeoutMs?: number;
}

/** Answers that do not change when the same is sent again. */
const REJECTED: ReadonlySet<number> = new Set([400, 413, 415, 422]);
const MAX_SHOWN = 300;

/** What a sink answered instead of taking what it got. */
export class SinkAnswerError extends Error {
  override readonly name = "SinkAnswerError";
  readonly status: number;
  readonly retryAfterMs: number | undefined;

  constructor(message: string, status: number, retryAfterMs?: number) {
    super(message);
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * Sends something to a sink.
 * @returns the body of an answer with a status of success
 * @throws RejectedError for 400, 413, 415 and 422; SinkAnswerError for other answers; what the client throws when there is none
 */
export async function post(client: HttpCaller, url: string, options: PostOptions): Promise<Uint8Array> {
  const { method = "POST", headers = {}, body, gzip = false, signal, timeoutMs = 20_000 } = options;
  const isRaw = typeof body === "string" || body instanceof Uint8Array;
  const text = isRaw ? body : JSON.stringify(body);
  const answer = await client.call(url, {
    ...{ method, signal, timeoutMs, body: gzip ? gzipSync(text, { level: 1 }) : text },
    headers: {
      ...(isRaw ? {} : { "content-type": "application/json" }),
      ...(gzip ? { "content-encoding": "gzip" } : {}),
      ...headers,
    },
  });
  if (answer.status >= 200 && answer.status < 300) return answer.body;
  const { origin, pathname } = new URL(url);
  const said = Buffer.from(answer.body).toString("utf8", 0, MAX_SHOWN).replace(/\s+/g, " ").trim();
  const message = `${origin}${pathname} answered with status ${answer.status}${said === "" ? "" : `: ${said}`}`;
  if (REJECTED.has(answer.status)) throw new RejectedError(message);
  throw new SinkAnswerError(message, answer.status, retryAfterOf(answer.headers["retry-after"]));
}

/** Seconds, or an HTTP date. */
function retryAfterOf(header: string | string[] | undefined): number | undefined {
  if (typeof header !== "string") return undefined;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - Date.now();
  return ms > 0 ? ms : undefined;
}
