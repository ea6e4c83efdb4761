import dns from "node:dns";
import { type ClientRequest, type IncomingMessage, type RequestOptions, request } from "node:http";
import { request as secureRequest } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { rootCertificates } from "node:tls";
import { XebecError } from "@xebec/core-errors";
import { redactText } from "@xebec/core-log";
import type { AddressPolicy } from "./address-policy.ts";

export interface GuardedGetOptions {
  /** Which addresses may be called. */
  readonly policy: AddressPolicy;
  /** For everything, redirections included, in milliseconds (10 s). */
  readonly timeoutMs?: number;
  /** Largest answer in bytes (16 MiB). */
  readonly maxBytes?: number;
  /** How many redirections are followed (3). */
  readonly maxRedirects?: number;
  /** Certificates, PEM, that servers may be verified by beside those that node knows. */
  readonly roots?: string | undefined;
  readonly signal?: AbortSignal;
  /** More headers, for the origin of the URL alone. */
  readonly headers?: Readonly<Record<string, string>>;
  /** True for a server whose certificate is not verified. */
  readonly unverified?: boolean;
}

export interface FetchedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

const REDIRECTIONS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** All headers of an answer together, in bytes. */
const MAX_HEADERS = 16 << 10;

/**
 * Fetches a URL that configuration named. Every address is checked where it is connected to, whatever name or spelling led there and at
 * every redirection, so that a name that changes its address gains nothing. User and password of the URL go to its own origin
 * only. No proxy of the environment is asked.
 * @returns the body of an answer with status 200
 * @throws XebecError permission_denied for an address that may not be called, unavailable for everything else; no message has the
 * user or the password
 */
export async function guardedGet(text: string, options: GuardedGetOptions): Promise<string> {
  return (await guardedGetBytes(text, options)).toString("utf8");
}

/** The same for what is not text. */
export async function guardedGetBytes(text: string, options: GuardedGetOptions): Promise<Buffer> {
  return (await followed(text, options, false)).body;
}

/** The same for any status: what to do with it is the caller's matter. */
export function guardedFetch(text: string, options: GuardedGetOptions): Promise<FetchedAnswer> {
  return followed(text, options, true);
}

async function followed(text: string, options: GuardedGetOptions, anyStatus: boolean): Promise<FetchedAnswer> {
  const { timeoutMs = 10_000, maxRedirects = 3, signal } = options;
  const late = AbortSignal.timeout(timeoutMs);
  const stop = signal ? AbortSignal.any([signal, late]) : late;
  let url = new URL(text);
  const credentials = authorizationOf(url);
  const { origin } = url;
  for (let redirects = 0; ; redirects++) {
    const own = { ...options.headers, ...(credentials === undefined ? {} : { authorization: credentials }) };
    const answer = await once(url, url.origin === origin ? own : {}, { ...options, anyStatus }, stop).catch(
      (error: unknown) => {
        if (late.aborted) throw failure(url, `did not answer within ${timeoutMs} ms`, error);
        throw error;
      },
    );
    if ("body" in answer) return answer;
    if (redirects >= maxRedirects) throw failure(url, `redirects more than ${maxRedirects} times`);
    url = redirected(url, answer.location);
  }
}

/** A host with several addresses fails with one error for each, and no message of its own. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === "") return error.errors.map(reasonOf).join("; ");
  return (error as Error).message;
}

/** The user and password of a URL as a header; they are taken out of it. */
export function authorizationOf(url: URL): string | undefined {
  const { username, password } = url;
  url.username = "";
  url.password = "";
  if (username === "" && password === "") return undefined;
  return `Basic ${Buffer.from(`${decoded(username)}:${decoded(password)}`).toString("base64")}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a % that stands for itself
  }
}

function redirected(from: URL, location: string): URL {
  const next = URL.canParse(location, from.href) ? new URL(location, from.href) : undefined;
  if (!next || !["http:", "https:"].includes(next.protocol))
    throw failure(from, "redirects to something that is not an http URL");
  if (from.protocol === "https:" && next.protocol === "http:") throw failure(from, "redirects from https to http");
  next.username = "";
  next.password = "";
  return next;
}

function once(
  url: URL,
  headers: Record<string, string>,
  { policy, maxBytes = 16 << 20, roots, unverified, anyStatus }: GuardedGetOptions & { readonly anyStatus: boolean },
  signal: AbortSignal,
): Promise<FetchedAnswer | { readonly location: string }> {
  return new Promise((resolve, reject) => {
    let sent: ClientRequest | undefined;
    const fail = (error: unknown): void => {
      reject(error instanceof XebecError ? error : failure(url, `does not answer: ${reasonOf(error)}`, error));
      sent?.destroy();
    };
    try {
      // A literal address is connected to without a look-up. The URL has read every spelling of it: 2130706433, 0x7f.1, 127.1.
      const host = url.hostname.replace(/^\[|\]$/g, "");
      const refusal = isIP(host) === 0 ? undefined : policy.refusal(host);
      if (refusal !== undefined) throw denied(url, refusal);
      const how: RequestOptions & { ca?: string[]; rejectUnauthorized?: boolean } = {
        ...(unverified ? { rejectUnauthorized: false } : {}),
        ...(roots ? { ca: [...rootCertificates, roots] } : {}),
        ...{ agent: false, signal, maxHeaderSize: MAX_HEADERS, lookup: checkedLookup(url, policy) },
        headers: {
          accept: "*/*",
          "accept-encoding": "identity",
          "user-agent": "xebec",
          connection: "close",
          ...headers,
        },
      };
      sent = (url.protocol === "https:" ? secureRequest : request)(url, how);
    } catch (error) {
      fail(error);
      return;
    }
    // A server may speak before it was asked, and has to be the one that was checked.
    sent.on("socket", (socket) =>
      socket.once("connect", () => {
        const refusal = policy.refusal(socket.remoteAddress ?? "");
        if (refusal !== undefined) fail(denied(url, refusal));
      }),
    );
    sent.on("error", fail);
    sent.on("response", (response) => {
      const { statusCode = 0, headers: received } = response;
      if (REDIRECTIONS.has(statusCode) && received.location !== undefined) {
        resolve({ location: received.location });
        sent?.destroy();
      } else if (statusCode !== 200 && !anyStatus) fail(failure(url, `answered with status ${statusCode}`));
      else if ((received["content-encoding"] ?? "identity") !== "identity")
        fail(failure(url, `answered in the encoding ${received["content-encoding"]}, which was not asked for`));
      else read(response, maxBytes, (body) => resolve({ status: statusCode, headers: received, body }), fail, url);
    });
    sent.end();
  });
}

function read(
  response: IncomingMessage,
  maxBytes: number,
  resolve: (body: Buffer) => void,
  fail: (error: unknown) => void,
  url: URL,
): void {
  const parts: Buffer[] = [];
  let size = 0;
  response.on("data", (part: Buffer) => {
    size += part.length;
    if (size > maxBytes) fail(failure(url, `answered with more than ${maxBytes} bytes`));
    else parts.push(part);
  });
  response.on("error", fail);
  response.on("end", () => resolve(Buffer.concat(parts)));
}

/** Resolves a name and gives only addresses that may be called: the connection goes to one of them and to no other. */
export function checkedLookup(url: URL, policy: AddressPolicy): LookupFunction {
  return (host, options, callback) => {
    dns.lookup(host, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, "");
      const may = found.filter(({ address }) => policy.refusal(address) === undefined);
      const [first] = may;
      if (!first) {
        const refusal = policy.refusal(found[0]?.address ?? "") ?? "it has no address";
        return callback(denied(url, refusal) as unknown as NodeJS.ErrnoException, "");
      }
      if (options.all) callback(null, may);
      else callback(null, first.address, first.family);
    });
  };
}

export function denied(url: URL, refusal: string): XebecError {
  return new XebecError("permission_denied", `${shown(url)} may not be called: ${refusal}`);
}

export function failure(url: URL, what: string, cause?: unknown): XebecError {
  return new XebecError("unavailable", redactText(`${shown(url)} ${what}`), cause === undefined ? {} : { cause });
}

/** A query may have a token. */
function shown(url: URL): string {
  return redactText(`${url.origin}${url.pathname}${url.search}`);
}

/** The same for clients of others, which look names up by themselves. Addresses that are written as such are not looked up. */
export function guardedLookup(policy: AddressPolicy): LookupFunction {
  return (host, options, callback) => checkedLookup(new URL(`tcp://${host}`), policy)(host, options, callback);
}
