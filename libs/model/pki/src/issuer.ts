import { createPublicKey, type KeyObject, randomBytes, sign } from "node:crypto";
import { XebecError } from "@xebec/core-errors";
import { certificateParts, parseCertificate } from "./certificate.ts";
import { der, derInteger, derOid, derTime, TAG } from "./der.ts";
import { generateKey, type KeyType, keyIdentifier, publicKeyDer, signingOf } from "./keys.ts";
import { pemBlock } from "./pem.ts";
import { encodeNames, type SubjectNames } from "./subject-names.ts";

/** What a certificate shall say. */
export interface LeafTemplate {
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Buffer;
  readonly names: Partial<SubjectNames>;
  /** Milliseconds since 1970; whole seconds are kept. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** Signs certificates of workloads. */
export interface Issuer {
  /** @returns PEM */
  issue(template: LeafTemplate): string;
}

export interface RootTemplate {
  readonly keyType: KeyType;
  /** The Organization of the subject: Istio writes the trust domain. */
  readonly organization: string;
  readonly notBefore: number;
  readonly notAfter: number;
}

const TRUE = der(TAG.boolean, Buffer.of(0xff));
const VERSION_3 = der(0xa0, der(TAG.integer, Buffer.of(2)));
const EMPTY_NAME = der(TAG.sequence);
const SUBJECT_KEY = derOid("2.5.29.14");
const AUTHORITY_KEY = derOid("2.5.29.35");
const SUBJECT_ALT_NAME = derOid("2.5.29.17");
const BASIC_CONSTRAINTS = derOid("2.5.29.19");
const KEY_USAGE = derOid("2.5.29.15");
/** digitalSignature and keyEncipherment. */
const LEAF_USAGE = der(TAG.sequence, KEY_USAGE, TRUE, der(TAG.octetString, Buffer.of(3, 2, 5, 0xa0)));
/** keyCertSign and cRLSign. */
const CA_USAGE = der(TAG.sequence, KEY_USAGE, TRUE, der(TAG.octetString, Buffer.of(3, 2, 1, 0x06)));
/** serverAuth and clientAuth. */
const LEAF_PURPOSES = der(
  TAG.sequence,
  derOid("2.5.29.37"),
  der(TAG.octetString, der(TAG.sequence, derOid("1.3.6.1.5.5.7.3.1"), derOid("1.3.6.1.5.5.7.3.2"))),
);
const NO_CA = der(TAG.sequence, BASIC_CONSTRAINTS, TRUE, der(TAG.octetString, der(TAG.sequence)));
const IS_CA = der(TAG.sequence, BASIC_CONSTRAINTS, TRUE, der(TAG.octetString, der(TAG.sequence, TRUE)));

/**
 * Prepares an issuer: everything that is the same in all its certificates is encoded once. Certificates follow
 * docs/reference/platform.md §1.6: empty subject, critical subjectAltName, serial number of 127 random bits.
 * @param certificate the signing certificate, PEM
 * @param key its private key
 * @throws XebecError invalid_argument when the certificate is not a CA or the key is another's
 */
export function createIssuer(certificate: string, key: KeyObject): Issuer {
  const info = parseCertificate(certificate, "signing certificate");
  if (!info.ca) throw new XebecError("invalid_argument", "the signing certificate is not a CA certificate");
  if (!info.x509.publicKey.equals(createPublicKey(key)))
    throw new XebecError("invalid_argument", "the signing key does not belong to the signing certificate");
  const { subject, publicKey, extensions } = certificateParts(info.x509.raw);
  const { digest, algorithm } = signingOf(key);
  const stored = extensions.get(SUBJECT_KEY.toString("hex"));
  // The extension's value is an octet string with the identifier in it.
  const identifier = stored ? stored.subarray(2) : keyIdentifier(publicKey);
  const authority = der(TAG.sequence, AUTHORITY_KEY, der(TAG.octetString, der(TAG.sequence, der(0x80, identifier))));
  return {
    issue({ publicKey: spki, names, notBefore, notAfter }) {
      const subjectKey = der(
        TAG.sequence,
        SUBJECT_KEY,
        der(TAG.octetString, der(TAG.octetString, keyIdentifier(spki))),
      );
      const altName = der(TAG.sequence, SUBJECT_ALT_NAME, TRUE, der(TAG.octetString, encodeNames(names)));
      const body = der(
        TAG.sequence,
        VERSION_3,
        newSerial(),
        algorithm,
        subject,
        validity(notBefore, notAfter),
        EMPTY_NAME,
        spki,
        der(0xa3, der(TAG.sequence, LEAF_USAGE, LEAF_PURPOSES, NO_CA, subjectKey, authority, altName)),
      );
      return signed(body, algorithm, digest, key);
    },
  };
}

/** Makes a self-signed CA certificate (docs/reference/platform.md §1.7). @returns the certificate, PEM, and its key */
export function createRoot({ keyType, organization, notBefore, notAfter }: RootTemplate): {
  readonly certificate: string;
  readonly key: KeyObject;
} {
  const key = generateKey(keyType);
  return { certificate: selfSign(key, { organization, notBefore, notAfter }), key };
}

/** Signs a CA certificate with its own key: a renewed root keeps its key and name. @returns PEM */
export function selfSign(key: KeyObject, { organization, notBefore, notAfter }: Omit<RootTemplate, "keyType">): string {
  const { digest, algorithm } = signingOf(key);
  const spki = publicKeyDer(key);
  const name = der(
    TAG.sequence,
    der(TAG.set, der(TAG.sequence, derOid("2.5.4.10"), der(TAG.utf8String, Buffer.from(organization)))),
  );
  const subjectKey = der(TAG.sequence, SUBJECT_KEY, der(TAG.octetString, der(TAG.octetString, keyIdentifier(spki))));
  const body = der(
    TAG.sequence,
    VERSION_3,
    newSerial(),
    algorithm,
    name,
    validity(notBefore, notAfter),
    name,
    spki,
    der(0xa3, der(TAG.sequence, CA_USAGE, IS_CA, subjectKey)),
  );
  return signed(body, algorithm, digest, key);
}

function newSerial(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return derInteger(bytes);
}

function validity(notBefore: number, notAfter: number): Buffer {
  return der(TAG.sequence, derTime(new Date(notBefore)), derTime(new Date(notAfter)));
}

function signed(body: Buffer, algorithm: Buffer, digest: string, key: KeyObject): string {
  const signature = der(TAG.bitString, Buffer.of(0), sign(digest, body, key));
  return pemBlock("CERTIFICATE", der(TAG.sequence, body, algorithm, signature));
}
