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
