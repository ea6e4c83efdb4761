import { createPublicKey, generateKeyPair, type KeyObject, randomBytes } from "node:crypto";
import { promisify } from "node:util";
import forge from "node-forge";

const { pki, md } = forge;
const YEAR_MS = 365 * 86_400_000;

/** Who a certificate is for. */
export interface Subject {
  /** The user's name for clients of the API server. */
  readonly commonName: string;
  /** The groups of a client. */
  readonly organizations?: readonly string[];
  readonly dns?: readonly string[];
  readonly ips?: readonly string[];
}

export interface Pair {
  /** PEM. */
  readonly cert: string;
  /** PEM. */
  readonly key: string;
}

/** A certificate authority of a cluster. */
export interface ClusterCa extends Pair {
  issue(subject: Subject): Promise<Pair>;
}

/** Makes an authority that is valid for a year: a cluster on one machine does not get older. */
export async function createClusterCa(commonName: string): Promise<ClusterCa> {
  return clusterCa(await certificate({ commonName }, undefined));
}

/** The authority of a certificate and key that were made before. */
export function clusterCa(pair: Pair): ClusterCa {
  return { ...pair, issue: (subject) => certificate(subject, pair) };
}

async function certificate(subject: Subject, issuer: Pair | undefined): Promise<Pair> {
  const { privateKey } = await promisify(generateKeyPair)("rsa", { modulusLength: 2048 });
  const key = pem(privateKey);
  const made = pki.createCertificate();
  made.publicKey = pki.publicKeyFromPem(
    createPublicKey(privateKey).export({ type: "spki", format: "pem" }) as string,
  ) as forge.pki.rsa.PublicKey;
  made.serialNumber = `01${randomBytes(15).toString("hex")}`;
  made.validity.notBefore = new Date(Date.now() - 60_000);
  made.validity.notAfter = new Date(Date.now() + YEAR_MS);
  const name = [
    ...(subject.organizations ?? []).map((value) => ({ name: "organizationName", value })),
    { name: "commonName", value: subject.commonName },
  ];
  made.setSubject(name);
  made.setIssuer(issuer ? pki.certificateFromPem(issuer.cert).subject.attributes : name);
  const altNames = [
    ...(subject.dns ?? []).map((value) => ({ type: 2, value })),
    ...(subject.ips ?? []).map((ip) => ({ type: 7, ip })),
  ];
  made.setExtensions([
    { name: "basicConstraints", cA: !issuer, critical: true },
    issuer
      ? { name: "keyUsage", digitalSignature: true, keyEncipherment: true, critical: true }
      : { name: "keyUsage", digitalSignature: true, keyCertSign: true, cRLSign: true, critical: true },
    ...(issuer ? [{ name: "extKeyUsage", serverAuth: true, clientAuth: true }] : []),
    { name: "subjectKeyIdentifier" },
    ...(altNames.length > 0 ? [{ name: "subjectAltName", altNames }] : []),
  ]);
  made.sign(pki.privateKeyFromPem(issuer?.key ?? key), md.sha256.create());
  return { cert: pki.certificateToPem(made).replaceAll("\r\n", "\n"), key };
}

function pem(key: KeyObject): string {
  return key.export({ type: "pkcs1", format: "pem" }) as string;
}
