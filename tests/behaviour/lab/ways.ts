import assert from "node:assert/strict";
import { CALL_HEADER, type Connection, DO_HEADER, type HttpRequest } from "./calls.ts";
import { HTTP_PROXY_PORT, type LabProxy } from "./mesh.ts";

/** An address that nobody has: HTTP is routed by its host, whatever address was meant. */
const NOWHERE = "10.255.255.254";

/** Through which proxy a call goes, and what it is. One of `through`, `to` and `at` must be given. */
export interface Way {
  /** Out of the pod of this sidecar. */
  readonly through?: string;
  /** Into the pod of this sidecar, or to this gateway. */
  readonly to?: string;
  /** `ADDRESS:PORT`, without a proxy. */
  readonly at?: string;
  /** The address that the client meant, where the host's own does not matter or is not known. */
  readonly address?: string;
  /** Tunnels with CONNECT through an explicit proxy. */
  readonly tunnel?: boolean;
  readonly tls?: Connection["tls"];
  /** How long the client waits with its first bytes once it is connected. */
  readonly idleMs?: number;
  /** The address that the connection comes from. */
  readonly from?: string;
  /** Where the client says that it comes from, where traffic is captured. */
  readonly source?: string;
  readonly timeoutMs?: number;
}

export interface HttpCall extends Way {
  /** `http://HOST[:PORT]/PATH`. */
  readonly url: string;
  /** The path as it is sent, to the letter; that of `url` is normalized. */
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly version?: "1.0" | "1.1" | "2";
  /** What servers do with it, see `DO_HEADER`. */
  readonly do?: string;
}

export interface TcpCall extends Way {
  readonly host?: string;
  readonly port: number;
  /** What the client sends; empty for one that waits for the server. */
  readonly send?: string;
}

/** How calls become connections and requests. @param addressOf the address of a host, in lower case, where it has one */
export function waysOf(proxies: Readonly<Record<string, LabProxy>>, addressOf: (host: string) => string | undefined) {
  const connectionOf = (way: Way, host: string, port: number): Connection => {
    const more = {
      ...(way.tls ? { tls: way.tls } : {}),
      ...(way.from ? { from: way.from } : {}),
      ...(way.source ? { source: way.source } : {}),
      ...(way.idleMs ? { idleMs: way.idleMs } : {}),
    };
    if (way.at) return { at: way.at, ...more };
    const name = way.through ?? way.to ?? "";
    const proxy = proxies[name];
    assert.ok(proxy, `the lab has no proxy "${name}"`);
    const { ip, kind } = proxy;
    if (way.to !== undefined)
      return kind === "captured"
        ? { at: `${ip}:15006`, meant: `${way.address ?? ip}:${port}`, ...more }
        : { at: `${ip}:${port}`, ...more };
    const meant = way.address ?? addressOf(host.toLowerCase()) ?? NOWHERE;
    if (kind === "captured") return { at: `${ip}:15001`, meant: `${meant}:${port}`, ...more };
    return { at: `${ip}:${HTTP_PROXY_PORT}`, ...(way.tunnel ? { tunnel: `${host}:${port}` } : {}), ...more };
  };
  const isAbsolute = ({ through, tunnel }: Way): boolean => proxies[through ?? ""]?.kind === "explicit" && !tunnel;
  const requestOf = (call: HttpCall, id: string): HttpRequest => {
    const url = new URL(call.url);
    const { headers = {}, version = "1.1", method = "GET", body = "", timeoutMs = 15_000 } = call;
    return {
      ...{ method, version, body, timeoutMs },
      target: `${isAbsolute(call) ? url.origin : ""}${call.path ?? `${url.pathname}${url.search}`}`,
      authority: headers.host ?? url.host,
      headers: {
        ...Object.fromEntries(Object.entries(headers).filter(([name]) => name !== "host")),
        ...{ [CALL_HEADER]: id, ...(call.do ? { [DO_HEADER]: call.do } : {}) },
      },
    };
  };
  const placeOf = (call: HttpCall): [string, number] => {
    const { hostname, port, protocol } = new URL(call.url);
    return [hostname, Number(port || (protocol === "https:" ? 443 : 80))];
  };
  return { connectionOf, requestOf, placeOf };
}
