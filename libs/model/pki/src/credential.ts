import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { splitCertificates } from "./pem.ts";
import { type CredentialKey, type SecretKind, type SecretRecord, secretKey } from "./secret-record.ts";

/** A certificate chain with its private key. */
export interface KeyPair {
  /** PEM, the server's or client's certificate first. */
  readonly certificateChain: Buffer;
  /** PEM. */
  readonly privateKey: Buffer;
  /** The answer of an OCSP server about the certificate, DER. */
  readonly ocspStaple?: Buffer;
  /** When the certificate begins and ends to be valid, milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** Authorities that are trusted. */
export interface TrustedRoots {
  /** PEM. */
  readonly certificates: Buffer;
  /** Lists of revoked certificates, PEM. */
  readonly crl?: Buffer;
}

/** What is there, or a sentence that says why it cannot be used, without anything secret. */
export type Usable<T> = { readonly value: T } | { readonly problem: string };

/** What a Secret or ConfigMap is good for. */
export interface Credential {
  /** `secretKey` of its object. */
  readonly id: string;
  readonly kind: SecretKind;
  readonly namespace: string;
  readonly name: string;
  readonly keyPair: Usable<KeyPair>;
  readonly roots: Usable<TrustedRoots>;
  /** Credentials of registries of images: a Docker configuration. */
  readonly registries: Buffer | undefined;
}

/**
 * Reads the credentials of a Secret as Istio does: `cert` and `key`, else `tls.crt` and `tls.key`; `cacert`, else `ca.crt`, with its
 * list of revoked certificates (docs/reference/pilot.md §2.12). What Envoy would reject is a problem.
 */
export function readCredential(record: SecretRecord): Credential {
  const { kind, namespace, name, data } = record;
  const value = (key: CredentialKey): Buffer | undefined => {
    const text = data[key];
    return text ? Buffer.from(text, "base64") : undefined;
  };
  return {
    ...{ id: secretKey(record), kind, namespace, name },
    keyPair: keyPairOf(value),
    roots: rootsOf(value),
    registries: value(".dockerconfigjson") ?? value(".dockercfg"),
  };
}

type ValueOf = (key: CredentialKey) => Buffer | undefined;

function keyPairOf(value: ValueOf): Usable<KeyPair> {
  for (const [cert, key] of [
    ["cert", "key"],
    ["tls.crt", "tls.key"],
  ] as const) {
    const certificateChain = value(cert);
    const privateKey = value(key);
    if (certificateChain && privateKey) return checkedPair({ certificateChain, privateKey }, cert, key, value);
  }
  return { problem: "it has neither tls.crt and tls.key nor cert and key" };
}

function checkedPair(
  given: Pick<KeyPair, "certificateChain" | "privateKey">,
  cert: string,
  key: string,
  value: ValueOf,
): Usable<KeyPair> {
  const chain = certificatesOf(given.certificateChain);
  const [leaf] = chain ?? [];
  if (!leaf) return { problem: `${cert} is not a chain of certificates in PEM form` };
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(given.privateKey);
  } catch {
    return { problem: `${key} is not a private key in PEM form without a password` };
  }
  const unfit = unfitKey(leaf.publicKey);
  if (unfit) return { problem: `${cert}: ${unfit}` };
  if (!leaf.checkPrivateKey(privateKey)) return { problem: `${key} is not the key of the certificate in ${cert}` };
  const ocspStaple = cert === "tls.crt" ? value("tls.ocsp-staple") : undefined;
  return {
    value: {
      ...given,
      ...(ocspStaple ? { ocspStaple } : {}),
      notBefore: Date.parse(leaf.validFrom),
      notAfter: Date.parse(leaf.validTo),
    },
  };
}

/** Why Envoy does not take a certificate with this key; undefined when it does. */
function unfitKey(key: KeyObject): string | undefined {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === "rsa")
    return (details?.modulusLength ?? 0) < 2048 ? "Envoy takes no RSA key below 2048 bits" : undefined;
  const curve = type === "ec" ? details?.namedCurve : undefined;
  if (curve && ["prime256v1", "secp384r1", "secp521r1"].includes(curve)) return undefined;
  return "Envoy takes keys of RSA, and of EC on the curves P-256, P-384 and P-521";
}

function rootsOf(value: ValueOf): Usable<TrustedRoots> {
  for (const [ca, list] of [
    ["cacert", "crl"],
    ["ca.crt", "ca.crl"],
  ] as const) {
    const certificates = value(ca);
    if (!certificates) continue;
    if (!certificatesOf(certificates)) return { problem: `${ca} is not a bundle of certificates in PEM form` };
    const crl = value(list);
    if (crl && !/-----BEGIN X509 CRL-----/.test(crl.toString("latin1")))
      return { problem: `${list} is not a list of revoked certificates in PEM form` };
    return { value: { certificates, ...(crl ? { crl } : {}) } };
  }
  return { problem: "it has neither cacert nor ca.crt" };
}

/** @returns undefined when there is none, or one of them cannot be read */
function certificatesOf(pem: Buffer): X509Certificate[] | undefined {
  try {
    const found = splitCertificates(pem.toString("latin1")).map((each) => new X509Certificate(each));
    return found.length > 0 ? found : undefined;
  } catch {
    return undefined;
  }
}
