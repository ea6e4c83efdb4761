import { connect, isIP, type Socket } from "node:net";
import { connect as secureConnect } from "node:tls";
import { XebecError } from "@xebec/core-errors";
import type { AddressPolicy } from "./address-policy.ts";
import { checkedLookup, denied, failure, reasonOf } from "./guarded-get.ts";

export interface GuardedConnectOptions {
  readonly host: string;
  readonly port: number;
  /** Which addresses may be called. */
  readonly policy: AddressPolicy;
  /** TLS to the name of the host; absent: plaintext. */
  readonly tls?: { readonly ca?: string };
  /** In milliseconds. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/**
 * Connects to what configuration named. The address is checked where it is connected to, as by `guardedGet`.
 * @throws XebecError permission_denied for an address that may not be called, unavailable for everything else
 */
export function guardedConnect({ host, port, policy, tls, timeoutMs, signal }: GuardedConnectOptions): Promise<Socket> {
  const url = new URL(`tcp://${isIP(host) === 6 ? `[${host}]` : host}:${port}`);
  const refusal = isIP(host) === 0 ? undefined : policy.refusal(host);
  if (refusal !== undefined) return Promise.reject(denied(url, refusal));
  const late = AbortSignal.timeout(timeoutMs);
  const stop = signal ? AbortSignal.any([signal, late]) : late;
  return new Promise((resolve, reject) => {
    const lookup = checkedLookup(url, policy);
    const socket = tls
      ? secureConnect({
          host,
          port,
          lookup,
          servername: isIP(host) === 0 ? host : "",
          ...(tls.ca ? { ca: tls.ca } : {}),
        })
      : connect({ host, port, lookup });
    const fail = (error: unknown): void => {
      stop.removeEventListener("abort", aborted);
      socket.destroy();
      reject(error instanceof XebecError ? error : failure(url, `cannot be connected to: ${reasonOf(error)}`, error));
    };
    const aborted = (): void => fail(new Error(`no connection within ${timeoutMs} ms`));
    stop.addEventListener("abort", aborted, { once: true });
    socket.once("error", fail);
    socket.once("connect", () => {
      const found = policy.refusal(socket.remoteAddress ?? "");
      if (found !== undefined) fail(denied(url, found));
    });
    socket.once(tls ? "secureConnect" : "connect", () => {
      if (socket.destroyed) return;
      stop.removeEventListener("abort", aborted);
      socket.off("error", fail);
      // Whoever uses it listens by itself; an error between two uses is that of the next one.
      socket.on("error", () => socket.destroy());
      resolve(socket);
    });
  });
}
