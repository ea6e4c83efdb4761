import { isIP } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import type { HostPort } from "@xebec/core-config";
import type { ClientTls } from "./client-tls.ts";
import { checkServer } from "./server-identity.ts";

/** Opens a TLS connection for HTTP/2, with what the source has now. Emits `secureConnect` once the server is who we meant. */
export function connectSecure(
  { host, port }: HostPort,
  tls: Pick<ClientTls, "current" | "serverIdentities">,
): TLSSocket {
  const { ca, cert, key } = tls.current();
  return connect({
    ...{ host, port, ALPNProtocols: ["h2"], minVersion: "TLSv1.2" },
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
    // An IP address is not a server name in TLS (RFC 6066, section 3); the certificate is checked against it all the same.
    servername: isIP(host) ? "" : host,
    checkServerIdentity: (_name, certificate) => checkServer(host, certificate, tls.serverIdentities),
  });
}
