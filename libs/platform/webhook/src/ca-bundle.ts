import { parseCertificate, splitCertificates } from "@xebec/model-pki";
import type { TlsMaterial } from "@xebec/platform-grpc";

/**
 * The roots that whoever calls the webhook has to trust.
 * @returns PEM certificates; empty for a throw-away certificate
 */
export function rootsOf({ cert, ca, isThrowAway }: TlsMaterial): readonly string[] {
  if (isThrowAway) return [];
  if (ca !== undefined) return certificatesOf(ca);
  // Without roots beside it, a certificate may be its own.
  const last = certificatesOf(cert).at(-1);
  if (last === undefined) return [];
  const { x509 } = parseCertificate(last, "the webhook's certificate");
  return x509.checkIssued(x509) ? [last] : [];
}

/** The certificates of a PEM text, each in one form; what is none is left out. */
export function certificatesOf(pem: string): readonly string[] {
  return [...new Set(splitCertificates(pem).map((each) => each.trim()))];
}

/** The certificates of a `caBundle`, which is PEM in base64. */
export function certificatesOfBundle(bundle: unknown): readonly string[] {
  if (typeof bundle !== "string") return [];
  try {
    return certificatesOf(Buffer.from(bundle, "base64").toString("utf8"));
  } catch {
    return [];
  }
}

/** A `caBundle` of certificates. */
export function bundleOf(certificates: readonly string[]): string {
  return Buffer.from(`${certificates.join("\n")}\n`).toString("base64");
}

/** Whether all certificates are among others. */
export function areAmong(certificates: readonly string[], others: readonly string[]): boolean {
  return certificates.every((each) => others.includes(each));
}
