import { createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { XebecError } from "@xebec/core-errors";
import { DerReader, type DerValue, der, derOid, TAG } from "./der.ts";
import { DIGESTS, publicKeyDer, signingOf } from "./keys.ts";
import { pemBlock, readPem } from "./pem.ts";
import { decodeNames, encodeNames, type SubjectNames } from "./subject-names.ts";

const EXTENSION_REQUEST = derOid("1.2.840.113549.1.9.14");
const SUBJECT_ALT_NAME = derOid("2.5.29.17");
const EMPTY_NAME = der(TAG.sequence);
const VERSION_0 = der(TAG.integer, Buffer.of(0));
const ATTRIBUTES = 0xa0;
/** Largest RSA key of a request: a larger one makes its verification slow. */
const LARGEST_RSA_BITS = 4_096;

/** A certificate request that proved to hold its key. */
export interface CertificateRequest {
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Buffer;
  readonly names: SubjectNames;
}

/**
 * Makes a certificate request (RFC 2986) with an empty subject.
 * @param key the private key
 * @returns PEM
 */
export function createCsr(key: KeyObject, names: Partial<SubjectNames>): string {
  const { digest, algorithm } = signingOf(key);
  const extension = der(TAG.sequence, SUBJECT_ALT_NAME, der(TAG.octetString, encodeNames(names)));
  const attribute = der(TAG.sequence, EXTENSION_REQUEST, der(TAG.set, der(TAG.sequence, extension)));
  const info = der(TAG.sequence, VERSION_0, EMPTY_NAME, publicKeyDer(key), der(ATTRIBUTES, attribute));
  const signature = der(TAG.bitString, Buffer.of(0), sign(digest, info, key));
  return pemBlock("CERTIFICATE REQUEST", der(TAG.sequence, info, algorithm, signature));
}

/**
 * Reads a certificate request and verifies its signature.
 * @param pem PEM text; the caller limits its size
 * @throws XebecError invalid_argument that says what is wrong
 */
export function parseCsr(pem: string): CertificateRequest {
  const outer = new DerReader(readPem(pem, ["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"]));
  const request = new DerReader(outer.next(TAG.sequence).content);
  outer.end();
  const info = request.next(TAG.sequence);
  const algorithm = request.next(TAG.sequence);
  const bits = request.next(TAG.bitString).content;
  request.end();
  // The first byte of a bit string counts the bits that its last byte has too many.
  if (bits[0] !== 0) throw new XebecError("invalid_argument", "the signature of the request is not whole bytes");
  const signature = bits.subarray(1);
  const fields = new DerReader(info.content);
  fields.next(TAG.integer);
  fields.next(TAG.sequence);
  const publicKey = fields.next(TAG.sequence).whole;
  const attributes = fields.optional(ATTRIBUTES);
  fields.end();
  const names = attributes ? requestedNames(attributes.content) : { uris: [], dns: [], ips: [] };
  const digest = DIGESTS.get(algorithm.whole.toString("hex"));
  if (!digest) throw new XebecError("invalid_argument", "the request is signed with an algorithm that is not taken");
  if (!verify(digest, info.whole, acceptableKey(publicKey), signature))
    throw new XebecError("invalid_argument", "the signature of the request does not fit its key");
  return { publicKey, names };
}

function acceptableKey(spki: Buffer): KeyObject {
  let key: KeyObject;
  try {
    key = createPublicKey({ key: spki, format: "der", type: "spki" });
  } catch (error) {
    throw new XebecError("invalid_argument", "the request's public key cannot be read", { cause: error });
  }
  signingOf(key);
  // Parameters that are spelt out need not be those of the curve that they look like (RFC 5480, section 2.1.1, forbids them).
  if (key.asymmetricKeyType === "ec" && curveOf(spki)?.tag !== TAG.oid)
    throw new XebecError("invalid_argument", "an EC key must name its curve; explicit parameters are not taken");
  const bits = key.asymmetricKeyDetails?.modulusLength;
  if (bits !== undefined && (bits < 2_048 || bits > LARGEST_RSA_BITS))
    throw new XebecError("invalid_argument", `an RSA key must have 2048 to ${LARGEST_RSA_BITS} bits, not ${bits}`);
  return key;
}

function curveOf(spki: Buffer): DerValue | undefined {
  const algorithm = new DerReader(
    new DerReader(new DerReader(spki).next(TAG.sequence).content).next(TAG.sequence).content,
  );
  algorithm.next(TAG.oid);
  return algorithm.done ? undefined : algorithm.next();
}

function requestedNames(attributes: Buffer): SubjectNames {
  for (const all = new DerReader(attributes); !all.done; ) {
    const attribute = new DerReader(all.next(TAG.sequence).content);
    if (!attribute.next(TAG.oid).whole.equals(EXTENSION_REQUEST)) continue;
    const extensions = new DerReader(new DerReader(attribute.next(TAG.set).content).next(TAG.sequence).content);
    while (!extensions.done) {
      const extension = new DerReader(extensions.next(TAG.sequence).content);
      if (!extension.next(TAG.oid).whole.equals(SUBJECT_ALT_NAME)) continue;
      extension.optional(TAG.boolean);
      return decodeNames(extension.next(TAG.octetString).content);
    }
  }
  return { uris: [], dns: [], ips: [] };
}
