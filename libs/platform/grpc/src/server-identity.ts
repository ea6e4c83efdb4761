import { checkServerIdentity, type PeerCertificate } from "node:tls";
import { urisOf } from "./identity.ts";

/**
 * Checks the certificate of a server that a client has dialled.
 * @param host the address that was dialled
 * @param identities SPIFFE URIs and DNS names, one of which the server must hold; absent: its certificate must name the host
 * @returns the error, or undefined when the server is whom we meant
 */
export function checkServer(
  host: string,
  certificate: PeerCertificate,
  identities: readonly string[] | undefined,
): Error | undefined {
  if (!identities) return checkServerIdentity(host, certificate);
  const uris = urisOf(certificate.subjectaltname);
  const holds = (identity: string): boolean =>
    identity.includes("://") ? uris.includes(identity) : checkServerIdentity(identity, certificate) === undefined;
  return identities.some(holds)
    ? undefined
    : new Error(`the server is ${uris.join(", ") || "unnamed"}, not ${identities.join(" or ")}`);
}
