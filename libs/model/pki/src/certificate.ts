import { X509Certificate } from "node:crypto";
import { XebecError } from "@xebec/core-errors";
import { DerReader, TAG } from "./der.ts";
import { splitCertificates } from "./pem.ts";
import { decodeNames, type SubjectNames } from "./subject-names.ts";

/** What a certificate says. */
export interface CertificateInfo {
  readonly x509: X509Certificate;
  /** Upper-case hexadecimal, as Node and OpenSSL write it. */
  readonly serial: string;
  readonly names: SubjectNames;
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly ca: boolean;
}

/**
 * Reads the first certificate of a PEM text.
 * @param what names the source in the error
 * @throws XebecError invalid_argument
 */
export function parseCertificate(pem: string, what = "certificate"): CertificateInfo {
  const [first] = splitCertificates(pem);
  try {
    const x509 = new X509Certificate(first ?? pem);
    return {
      x509,
      serial: x509.serialNumber,
      names: namesOf(x509.raw),
      notBefore: Date.parse(x509.validFrom),
      notAfter: Date.parse(x509.validTo),
      ca: x509.ca,
    };
  } catch (error) {
    throw new XebecError("invalid_argument", `${what}: not a certificate in PEM form`, { cause: error });
  }
}

/** The parts of a certificate's body that others are built from. */
export interface CertificateParts {
  /** The subject's name, DER. */
  readonly subject: Buffer;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Buffer;
  /** Values of the extensions by the hexadecimal DER of their identifiers. */
  readonly extensions: ReadonlyMap<string, Buffer>;
}

const VERSION = 0xa0;
const EXTENSIONS = 0xa3;
const SUBJECT_ALT_NAME = "0603551d11";

/** Takes a certificate's DER apart (RFC 5280, section 4.1). @throws XebecError invalid_argument */
export function certificateParts(raw: Buffer): CertificateParts {
  const body = new DerReader(new DerReader(new DerReader(raw).next(TAG.sequence).content).next(TAG.sequence).content);
  body.optional(VERSION);
  body.next(TAG.integer);
  body.next(TAG.sequence);
  body.next(TAG.sequence);
  body.next(TAG.sequence);
  const subject = body.next(TAG.sequence).whole;
  const publicKey = body.next(TAG.sequence).whole;
  const extensions = new Map<string, Buffer>();
  while (!body.done) {
    const { tag, content } = body.next();
    if (tag !== EXTENSIONS) continue;
    for (const all = new DerReader(new DerReader(content).next(TAG.sequence).content); !all.done; ) {
      const extension = new DerReader(all.next(TAG.sequence).content);
      const id = extension.next(TAG.oid).whole.toString("hex");
      extension.optional(TAG.boolean);
      extensions.set(id, extension.next(TAG.octetString).content);
    }
  }
  return { subject, publicKey, extensions };
}

function namesOf(raw: Buffer): SubjectNames {
  const value = certificateParts(raw).extensions.get(SUBJECT_ALT_NAME);
  return value ? decodeNames(value) : { uris: [], dns: [], ips: [] };
}
