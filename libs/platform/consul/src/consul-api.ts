import { Agent, type IncomingMessage, request } from "node:http";
import { XebecError } from "@xebec/core-errors";

/** Largest answer: ten thousand instances have some MiB. */
const MAX_BYTES = 64 << 20;

export interface ConsulAnswer {
  /** Grows with each change of what was asked for. */
  readonly index: number;
  readonly body: unknown;
}

/** Asks a Consul agent; it keeps its connections. */
export class ConsulApi {
  readonly #server: URL;
  readonly #token: string | undefined;
  readonly #agent: Agent;

  /** @param token of Consul's access control lists */
  constructor(server: string, token: string | undefined) {
    this.#server = new URL(server);
    this.#token = token;
    const keep = { keepAlive: true, keepAliveMsecs: 10_000 };
    this.#agent = this.#isSecure ? new (secure().Agent)(keep) : new Agent(keep);
  }

  get #isSecure(): boolean {
    return this.#server.protocol === "https:";
  }

  close(): void {
    this.#agent.destroy();
  }

  /**
   * @param path `/v1/catalog/services`
   * @param timeoutMs for the whole answer
   * @throws XebecError unavailable, deadline_exceeded, permission_denied, data_loss
   */
  async get(
    path: string,
    query: Readonly<Record<string, string>>,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<ConsulAnswer> {
    const url = new URL(path, this.#server);
    for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
    const late = AbortSignal.timeout(timeoutMs);
    const what = `${this.#server.origin}${path}`;
    try {
      const answer = await this.#send(url, AbortSignal.any([signal, late]));
      const text = await readAll(answer, what);
      if (answer.statusCode === 403)
        throw new XebecError("permission_denied", `${what}: ${text.slice(0, 200)}; set CONSUL_HTTP_TOKEN`);
      if (answer.statusCode !== 200)
        throw new XebecError("unavailable", `${what}: status ${answer.statusCode}: ${text.slice(0, 200)}`);
      return { index: Number(answer.headers["x-consul-index"] ?? 0), body: JSON.parse(text) };
    } catch (error) {
      if (error instanceof XebecError) throw error;
      if (signal.aborted) throw new XebecError("cancelled", `${what}: it was given up`, { cause: error });
      if (late.aborted)
        throw new XebecError("deadline_exceeded", `${what}: no answer within ${timeoutMs} ms`, { cause: error });
      if (error instanceof SyntaxError)
        throw new XebecError("data_loss", `${what}: the answer is not JSON`, { cause: error });
      const { code, message } = error as NodeJS.ErrnoException;
      throw new XebecError("unavailable", `${what}: ${code ?? message}`, { cause: error });
    }
  }

  #send(url: URL, signal: AbortSignal): Promise<IncomingMessage> {
    const send = this.#isSecure ? secure().request : request;
    const headers = this.#token ? { "x-consul-token": this.#token } : {};
    return new Promise((resolve, reject) => {
      send(url, { agent: this.#agent, signal, headers }).on("error", reject).on("response", resolve).end();
    });
  }
}

/** Loaded only where it is needed. */
const secure = () => process.getBuiltinModule("node:https");

async function readAll(answer: IncomingMessage, what: string): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BYTES) {
      answer.destroy();
      throw new XebecError("resource_exhausted", `${what}: the answer has more than ${MAX_BYTES} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
