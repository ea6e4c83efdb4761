import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";
import { promisify } from "node:util";
import { XebecError } from "@xebec/core-errors";
import { DerReader, der, derOid, TAG } from "./der.ts";

/** Keys of authorities. */
export const KEY_TYPES = ["P-256", "RSA-2048"] as const;
/** Keys of workloads. */
export type KeyType = (typeof KEY_TYPES)[number] | "P-384" | "RSA-4096";

/** Makes a private key. One of RSA-4096 takes seconds, in which nothing else happens: prefer `makeKey` for it. */
export function generateKey(type: KeyType): KeyObject {
  const { bits, namedCurve } = parametersOf(type);
  return namedCurve === undefined
    ? generateKeyPairSync("rsa", { modulusLength: bits }).privateKey
    : generateKeyPairSync("ec", { namedCurve }).privateKey;
}

/** Makes a private key beside everything else. */
export async function makeKey(type: KeyType): Promise<KeyObject> {
  const { bits, namedCurve } = parametersOf(type);
  const make = promisify(generateKeyPair);
  const { privateKey } =
    namedCurve === undefined ? await make("rsa", { modulusLength: bits }) : await make("ec", { namedCurve });
  return privateKey;
}

function parametersOf(type: KeyType): { readonly bits: number; readonly namedCurve?: string } {
  if (type.startsWith("RSA-")) return { bits: Number(type.slice(4)) };
  return { bits: 0, namedCurve: type === "P-384" ? "secp384r1" : "prime256v1" };
}

/** Writes a private key as Istio does: `EC PRIVATE KEY`, or PKCS#1 `RSA PRIVATE KEY`. */
export function privateKeyPem(key: KeyObject): string {
  return key.export({ format: "pem", type: key.asymmetricKeyType === "rsa" ? "pkcs1" : "sec1" }) as string;
}

/**
 * Reads a private key in any usual PEM form.
 * @param what names the source in the error
 * @throws XebecError invalid_argument
 */
export function readPrivateKey(pem: string, what: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    throw new XebecError("invalid_argument", `${what}: not a private key in PEM form`, { cause: error });
  }
}

/** The public part as SubjectPublicKeyInfo, DER. */
export function publicKeyDer(key: KeyObject): Buffer {
  const publicKey = key.type === "private" ? createPublicKey(key) : key;
  return publicKey.export({ format: "der", type: "spki" });
}

/** The key identifier of RFC 5280, section 4.2.1.2 (1): SHA-1 of the key's bits. @param spki SubjectPublicKeyInfo, DER */
export function keyIdentifier(spki: Buffer): Buffer {
  const info = new DerReader(new DerReader(spki).next(TAG.sequence).content);
  info.next(TAG.sequence);
  return createHash("sha1").update(info.next(TAG.bitString).content.subarray(1)).digest();
}

const ECDSA_SHA256 = der(TAG.sequence, derOid("1.2.840.10045.4.3.2"));
const ECDSA_SHA384 = der(TAG.sequence, derOid("1.2.840.10045.4.3.3"));
const RSA_SHA256 = der(TAG.sequence, derOid("1.2.840.113549.1.1.11"), Buffer.of(5, 0));

/** How a key signs. */
export interface Signing {
  /** The digest's name for node:crypto. */
  readonly digest: "sha256" | "sha384";
  /** AlgorithmIdentifier, DER. */
  readonly algorithm: Buffer;
}

/** The signature algorithm that belongs to a key. @throws XebecError invalid_argument for keys that Envoy does not take */
export function signingOf(key: KeyObject): Signing {
  if (key.asymmetricKeyType === "rsa") return { digest: "sha256", algorithm: RSA_SHA256 };
  const curve = key.asymmetricKeyType === "ec" ? key.asymmetricKeyDetails?.namedCurve : undefined;
  if (curve === "prime256v1") return { digest: "sha256", algorithm: ECDSA_SHA256 };
  if (curve === "secp384r1") return { digest: "sha384", algorithm: ECDSA_SHA384 };
  throw new XebecError("invalid_argument", "a key must be RSA, or EC on the curve P-256 or P-384");
}

/** Names of the digests by the DER of the signature algorithms that requests may use. */
export const DIGESTS: ReadonlyMap<string, string> = new Map([
  [ECDSA_SHA256.toString("hex"), "sha256"],
  [ECDSA_SHA384.toString("hex"), "sha384"],
  [der(TAG.sequence, derOid("1.2.840.10045.4.3.4")).toString("hex"), "sha512"],
  [RSA_SHA256.toString("hex"), "sha256"],
  [der(TAG.sequence, derOid("1.2.840.113549.1.1.12"), Buffer.of(5, 0)).toString("hex"), "sha384"],
  [der(TAG.sequence, derOid("1.2.840.113549.1.1.13"), Buffer.of(5, 0)).toString("hex"), "sha512"],
]);
