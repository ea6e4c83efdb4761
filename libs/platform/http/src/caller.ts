import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { XebecError } from "@xebec/core-errors";

/** Headers that a proxy adds. */
const BY_PROXY = /^(?:x-forwarded-|x-envoy-|x-real-ip$|forwarded$|via$)/;

/**
 * Refuses whoever is not a program of this machine that means this port: for pages that show, or change, what others must not.
 * Loopback is not enough. On a laptop each pod has a loopback address of its own, from which its proxy calls, and a proxy passes on
 * what came from elsewhere; a page in a browser may have made a name of its own lead here.
 * @param what the subject and verb of the message: `debug pages are`
 * @throws XebecError permission_denied
 */
export function requireOwnMachine(
  { socket, headers }: Pick<IncomingMessage, "socket" | "headers">,
  what: string,
): void {
  const why = strangeness(socket.remoteAddress ?? "", socket.localAddress, headers);
  if (why !== undefined)
    throw new XebecError("permission_denied", `${what} for callers on this machine only (${why}); use a port-forward`);
}

function strangeness(remote: string, own: string | undefined, headers: IncomingHttpHeaders): string | undefined {
  const address = plain(remote);
  if (address !== "127.0.0.1" && address !== "::1" && address !== plain(own ?? ""))
    return address.startsWith("127.") ? "this is the address of a pod" : "this is another machine's address";
  const proxied = Object.keys(headers).find((name) => BY_PROXY.test(name));
  if (proxied !== undefined) return `a proxy sent this: it has the header ${proxied}`;
  if (headers["sec-fetch-site"] !== undefined && !["none", "same-origin"].includes(String(headers["sec-fetch-site"])))
    return "another web page sent this";
  const host = headers.host === undefined ? "" : hostOf(headers.host);
  return host === "" || host === "localhost" || isIP(host) !== 0
    ? undefined
    : "the header Host is a name; write the address or localhost";
}

function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, "");
}

/** The host of `HOST:PORT`, without brackets. */
function hostOf(text: string): string {
  return text
    .toLowerCase()
    .replace(/:\d+$/, "")
    .replace(/^\[(.*)\]$/, "$1");
}
