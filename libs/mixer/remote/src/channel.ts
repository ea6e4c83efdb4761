import { XebecError } from "@xebec/core-errors";
import { durationMs, type HandlerContext, type HandlerLimits, type Secrets } from "@xebec/mixer-sdk";
import type { Connection } from "@xebec/model-resources";
import { type CallOptions, type ClientTls, createGrpcChannel } from "@xebec/platform-grpc";
import { OAuthToken } from "./oauth.ts";
import { refuseHost } from "./refuse-address.ts";

/** Where an adapter answers. */
export interface Channel {
  /**
   * Checks whether it may be reached, and makes the handler where that is this process' own affair.
   * @param params the handler's
   * @throws XebecError permission_denied; what making the handler throws
   */
  start(params?: Uint8Array): Promise<void>;
  /** @param path `/package.Service/Method`. @throws XebecError with the adapter's code */
  call(path: string, request: Uint8Array): Promise<Uint8Array>;
  /** Moves the adapter's clock, where this process made it. */
  advance?(ms: number): Promise<void>;
  close(): void | Promise<void>;
}

/** Handlers that say nothing wait so long, in milliseconds. */
const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 4 << 20;

/**
 * Opens the connection of a handler; nothing is connected before the first call.
 * @param target HOST:PORT, or the path of a socket
 * @param limits what handlers may reach; absent: whatever there is
 * @throws Error when a file that it needs cannot be read
 */
export function openChannel(
  target: string | { readonly path: string },
  { timeout, authentication }: Connection,
  { secrets }: HandlerContext,
  limits: HandlerLimits | undefined,
): Channel {
  const tls = tlsOf(authentication, secrets);
  const token = tokenOf(authentication, secrets, limits);
  const channel = createGrpcChannel({ address: target, ...(tls ? { tls } : {}), maxMessageBytes: MAX_ANSWER_BYTES });
  const timeoutMs = timeout ? durationMs(timeout) : TIMEOUT_MS;
  return {
    start: () => refuseAddress(target, limits),
    async call(path, request) {
      const metadata = token instanceof Function ? await token() : token;
      return channel.unary(path, request, { timeoutMs, ...(metadata ? { metadata } : {}) });
    },
    close: () => channel.close(),
  };
}

async function refuseAddress(
  target: string | { readonly path: string },
  limits: HandlerLimits | undefined,
): Promise<void> {
  if (!limits) return;
  if (typeof target !== "string") {
    const why = limits.fileRefusal(target.path);
    if (why !== undefined) throw new XebecError("permission_denied", `${target.path}: ${why}`);
    return;
  }
  await refuseHost(target.replace(/:\d+$/, ""), limits);
}

function tlsOf(authentication: Connection["authentication"], secrets: Secrets): ClientTls | undefined {
  const { tls, mutual } = authentication ?? {};
  if (!tls && !mutual) return undefined;
  const { caCertificates, serverName } = tls ?? mutual ?? {};
  const material = {
    ...(caCertificates ? { ca: secrets.read(caCertificates) } : {}),
    ...(mutual
      ? { cert: secrets.read(mutual.clientCertificate ?? ""), key: secrets.read(mutual.privateKey ?? "") }
      : {}),
  };
  return {
    current: () => material,
    onChange: () => () => undefined,
    ...(serverName ? { serverIdentities: [serverName] } : {}),
  };
}

/** The header that every call carries. */
function tokenOf(
  authentication: Connection["authentication"],
  secrets: Secrets,
  limits: HandlerLimits | undefined,
): CallOptions["metadata"] | (() => Promise<CallOptions["metadata"]>) {
  const tls = authentication?.tls;
  if (!tls) return undefined;
  const header = (token: string): NonNullable<CallOptions["metadata"]> =>
    tls.customHeader
      ? { [tls.customHeader.toLowerCase()]: token }
      : { authorization: tls.authHeader === "BEARER" ? `Bearer ${token}` : token };
  if (tls.tokenPath) return header(secrets.read(tls.tokenPath));
  const oauth = new OAuthToken(tls.oauth ?? {}, secrets.read(tls.oauth?.clientSecret ?? ""), limits);
  return async () => header(await oauth.current());
}
