import { Agent, type ClientRequest, type IncomingHttpHeaders, request } from "node:http";
import { Agent as SecureAgent, request as secureRequest } from "node:https";
import { isIP } from "node:net";
import { rootCertificates } from "node:tls";
import { XebecError } from "@xebec/core-errors";
import type { AddressPolicy } from "./address-policy.ts";
import { authorizationOf, checkedLookup, denied, failure, reasonOf } from "./guarded-get.ts";

export interface GuardedRequest {
  /** `POST` when there is a body, else `GET`. */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** For everything, in milliseconds (10 s). */
  readonly timeoutMs?: number;
  /** Largest answer in bytes (1 MiB). */
  readonly maxBytes?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface GuardedAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Most connections of one client, and how long one stays open that is not used. */
const MAX_CONNECTIONS = 4;
const IDLE_MS = 30_000;

/**
 * Calls what configuration named, over connections that it keeps. Every address is checked where it is connected to, as by `guardedGet`.
 * Redirections are not followed, and no proxy of the environment is asked.
 */
export class GuardedClient {
  readonly #policy: AddressPolicy;
  readonly #plain = new Agent({ keepAlive: true, maxSockets: MAX_CONNECTIONS, timeout: IDLE_MS });
  readonly #secure: SecureAgent;

  /** @param roots certificates, PEM, that servers may be verified by beside those that node knows */
  constructor(policy: AddressPolicy, roots?: string) {
    this.#policy = policy;
    this.#secure = new SecureAgent({
      ...{ keepAlive: true, maxSockets: MAX_CONNECTIONS, timeout: IDLE_MS },
      ...(roots ? { ca: [...rootCertificates, roots] } : {}),
    });
  }

  /**
   * @param text an http or https URL; a user and a password in it are sent as basic authentication
   * @returns the answer, whatever its status
   * @throws XebecError permission_denied for an address that may not be called, unavailable for everything else; no message has the user,
   * the password or a token of the query
   */
  async call(text: string, { timeoutMs = 10_000, signal, ...what }: GuardedRequest = {}): Promise<GuardedAnswer> {
    const url = new URL(text);
    const credentials = authorizationOf(url);
    const late = AbortSignal.timeout(timeoutMs);
    try {
      return await this.#once(url, credentials, what, signal ? AbortSignal.any([signal, late]) : late);
    } catch (error) {
      if (late.aborted) throw failure(url, `did not answer within ${timeoutMs} ms`, error);
      throw error;
    }
  }

  close(): void {
    this.#plain.destroy();
    this.#secure.destroy();
  }

  #once(
    url: URL,
    credentials: string | undefined,
    { body, method = body === undefined ? "GET" : "POST", headers, maxBytes = 1 << 20 }: GuardedRequest,
    signal: AbortSignal,
  ): Promise<GuardedAnswer> {
    const policy = this.#policy;
    return new Promise((resolve, reject) => {
      let sent: ClientRequest | undefined;
      const fail = (error: unknown): void => {
        reject(error instanceof XebecError ? error : failure(url, `does not answer: ${reasonOf(error)}`, error));
        sent?.destroy();
      };
      const host = url.hostname.replace(/^\[|\]$/g, "");
      const refusal = isIP(host) === 0 ? undefined : policy.refusal(host);
      if (refusal !== undefined) return fail(denied(url, refusal));
      const isSecure = url.protocol === "https:";
      const how = {
        ...{ method, signal, maxHeaderSize: 16 << 10, lookup: checkedLookup(url, policy) },
        headers: {
          "user-agent": "xebec",
          "accept-encoding": "identity",
          ...(credentials === undefined ? {} : { authorization: credentials }),
          ...(body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) }),
          ...headers,
        },
      };
      try {
        sent = isSecure
          ? secureRequest(url, { ...how, agent: this.#secure })
          : request(url, { ...how, agent: this.#plain });
      } catch (error) {
        return fail(error);
      }
      sent.on("socket", (socket) => {
        if (!socket.connecting) return;
        socket.once("connect", () => {
          const found = policy.refusal(socket.remoteAddress ?? "");
          if (found !== undefined) fail(denied(url, found));
        });
      });
      sent.on("error", fail);
      sent.on("response", (response) => {
        const parts: Buffer[] = [];
        let size = 0;
        response.on("data", (part: Buffer) => {
          size += part.length;
          if (size > maxBytes) fail(failure(url, `answered with more than ${maxBytes} bytes`));
          else parts.push(part);
        });
        response.on("error", fail);
        response.on("end", () => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) });
        });
      });
      sent.end(body);
    });
  }
}
