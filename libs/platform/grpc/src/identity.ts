import type { PeerCertificate } from "node:tls";
import type { ClientCertificate } from "./tls-source.ts";

// Node writes `TYPE:value, TYPE:value`; a value that could be mistaken for syntax is written as a quoted JSON string.
const NAME = /([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/gy;

/** The URIs of a certificate's subject alternative names. A quoted value is skipped: no SPIFFE URI needs quotes. */
export function urisOf(subjectAltName: string | undefined): string[] {
  return [...(subjectAltName ?? "").matchAll(NAME)]
    .filter(([, type, value]) => type === "URI" && !(value as string).startsWith('"'))
    .map((match) => match[2] as string);
}

/**
 * The SPIFFE identity of a verified certificate (SPIFFE X.509-SVID, section 2: exactly one URI).
 * @returns undefined when there is no URI, more than one, or one of another scheme
 */
export function spiffeIdentity(certificate: Pick<PeerCertificate, "subjectaltname">): string | undefined {
  const uris = urisOf(certificate.subjectaltname);
  const names = certificate.subjectaltname?.match(/URI:/g)?.length ?? 0;
  return uris.length === 1 && names === 1 && uris[0]?.startsWith("spiffe://") ? uris[0] : undefined;
}

/** What calls know about a verified certificate. */
export function describeCertificate(certificate: PeerCertificate): ClientCertificate {
  const { serialNumber, valid_to } = certificate;
  return { identity: spiffeIdentity(certificate), serialNumber, notAfter: Date.parse(valid_to) };
}
