import { generateKeyPairSync, randomBytes } from "node:crypto";
import forge from "node-forge";

export interface TestNames {
  readonly commonName?: string;
  readonly dns?: readonly string[];
  readonly ips?: readonly string[];
  readonly uris?: readonly string[];
  /** Validity in milliseconds from its begin on (1 day). */
  readonly validMs?: number;
  /** Its begin, milliseconds since 1970 (a minute ago). */
  readonly notBefore?: number;
}

export interface TestCa {
  /** The root, PEM. */
  readonly cert: string;
  readonly key: string;
  /** A certificate for a server or a client, signed by the root. */
  issue(names: TestNames): { readonly cert: string; readonly key: string };
  /** A list of revoked certificates, PEM, which is valid for a day. */
  revoke(certificates: readonly string[]): string;
}

const DAY_MS = 86_400_000;

/** Makes a certificate authority for a test: RSA 2048, nothing is written to disk. */
export function createTestCa(commonName = "test root"): TestCa {
  const root = makeKey();
  const cert = sign(
    { commonName },
    root.publicPem,
    [{ name: "basicConstraints", cA: true, critical: true }],
    commonName,
    root.forgeKey,
  );
  return {
    cert,
    key: root.privatePem,
    revoke: (certificates) => revocationList(cert, certificates, root.forgeKey),
    issue(names) {
      const leaf = makeKey();
      const altNames = [
        ...(names.dns ?? []).map((value) => ({ type: 2, value })),
        ...(names.uris ?? []).map((value) => ({ type: 6, value })),
        ...(names.ips ?? []).map((ip) => ({ type: 7, ip })),
      ];
      const extensions = [
        { name: "extKeyUsage", serverAuth: true, clientAuth: true },
        ...(altNames.length > 0 ? [{ name: "subjectAltName", altNames }] : []),
      ];
      return { cert: sign(names, leaf.publicPem, extensions, commonName, root.forgeKey), key: leaf.privatePem };
    },
  };
}

function makeKey() {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
  });
  return { publicPem: publicKey, privatePem: privateKey, forgeKey: forge.pki.privateKeyFromPem(privateKey) };
}

/** A CertificateList (RFC 5280, section 5.1), which node-forge does not write. */
function revocationList(issuer: string, revoked: readonly string[], key: forge.pki.rsa.PrivateKey): string {
  const { asn1, pki, md, util } = forge;
  const { INTEGER, SEQUENCE, UTCTIME, BITSTRING, OID, NULL } = asn1.Type;
  const value = (type: forge.asn1.Type, bytes: string) => asn1.create(asn1.Class.UNIVERSAL, type, false, bytes);
  const list = (parts: forge.asn1.Asn1[]) => asn1.create(asn1.Class.UNIVERSAL, SEQUENCE, true, parts);
  const time = (at: number) => value(UTCTIME, asn1.dateToUtcTime(new Date(at)));
  const oid = asn1.oidToDer(pki.oids.sha256WithRSAEncryption as string).getBytes();
  const algorithm = () => list([value(OID, oid), value(NULL, "")]);
  const now = Date.now();
  const entry = (pem: string) =>
    list([value(INTEGER, util.hexToBytes(pki.certificateFromPem(pem).serialNumber)), time(now - 60_000)]);
  const body = list([
    value(INTEGER, util.hexToBytes("01")),
    algorithm(),
    pki.distinguishedNameToAsn1(pki.certificateFromPem(issuer).subject),
    time(now - 60_000),
    time(now + DAY_MS),
    ...(revoked.length > 0 ? [list(revoked.map(entry))] : []),
  ]);
  const digest = md.sha256.create().update(asn1.toDer(body).getBytes());
  const whole = list([body, algorithm(), value(BITSTRING, `\0${key.sign(digest)}`)]);
  return forge.pem.encode({ type: "X509 CRL", body: asn1.toDer(whole).getBytes() });
}

function sign(
  { commonName = "test", validMs = DAY_MS, notBefore = Date.now() - 60_000 }: TestNames,
  publicPem: string,
  extensions: object[],
  issuer: string,
  key: forge.pki.rsa.PrivateKey,
): string {
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(publicPem);
  certificate.serialNumber = `01${randomBytes(8).toString("hex")}`;
  certificate.validity.notBefore = new Date(notBefore);
  certificate.validity.notAfter = new Date(certificate.validity.notBefore.getTime() + validMs);
  certificate.setSubject([{ name: "commonName", value: commonName }]);
  certificate.setIssuer([{ name: "commonName", value: issuer }]);
  certificate.setExtensions(extensions);
  certificate.sign(key, forge.md.sha256.create());
  return forge.pki.certificateToPem(certificate);
}
