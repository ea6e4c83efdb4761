import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { logger } from "@xebec/core-log";
import {
  createIssuer,
  createRoot,
  generateKey,
  parseCertificate,
  privateKeyPem,
  publicKeyDer,
  readPrivateKey,
} from "@xebec/model-pki";
import { writeFileAtomic, writeKeyFile } from "@xebec/platform-files";

const log = logger("supervisor");
const DAY_MS = 86_400_000;
const ROOT_DAYS = 3_650;
const CERTIFICATE_DAYS = 365;
/** A certificate is replaced at a start when less of its life is left: nats-server has read the one before. */
const LEAST_LEFT_DAYS = 120;

/** Files of the bus' servers and clients, PEM. */
export interface BusCertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
  /** The root, by which clients verify the server. */
  readonly caFile: string;
}

/**
 * Makes the certificate of the mesh's own nats-server, and an authority for it alone: the bus is there before citadel is. Files that
 * are good stay.
 * @param folder for the files; keys have mode 0600
 * @param ip the server's address
 */
export async function busCertificate(folder: string, ip: string): Promise<BusCertificateFiles> {
  const file = (name: string): string => join(folder, name);
  const files = { certFile: file("cert.pem"), keyFile: file("key.pem"), caFile: file("ca.pem") };
  const now = Date.now();
  const root = (await readRoot(files.caFile, file("ca-key.pem"), now)) ?? (await makeRoot());
  if (await isGood()) return files;
  const key = generateKey("P-256");
  const certificate = createIssuer(root.certificate, readPrivateKey(root.key, file("ca-key.pem"))).issue({
    names: { ips: [ip], dns: ["localhost"] },
    publicKey: publicKeyDer(key),
    notBefore: now - DAY_MS,
    notAfter: now + CERTIFICATE_DAYS * DAY_MS,
  });
  await writeKeyFile(files.keyFile, privateKeyPem(key));
  await writeFileAtomic(files.certFile, certificate, { mode: 0o600 });
  log.info({ ip }, "nats-server has a new certificate");
  return files;

  async function makeRoot(): Promise<{ readonly certificate: string; readonly key: string }> {
    const { certificate, key } = createRoot({
      ...{ keyType: "P-256", organization: "bus of this mesh" },
      ...{ notBefore: now - DAY_MS, notAfter: now + ROOT_DAYS * DAY_MS },
    });
    await writeKeyFile(file("ca-key.pem"), privateKeyPem(key));
    await writeFileAtomic(files.caFile, certificate, { mode: 0o600 });
    return { certificate, key: privateKeyPem(key) };
  }

  async function isGood(): Promise<boolean> {
    try {
      const { x509, notAfter } = parseCertificate(await readFile(files.certFile, "utf8"));
      const isOwn = x509.verify(parseCertificate(root.certificate).x509.publicKey) && x509.checkIP(ip) !== undefined;
      const isPair = x509.checkPrivateKey(readPrivateKey(await readFile(files.keyFile, "utf8"), files.keyFile));
      return isOwn && isPair && notAfter - now > LEAST_LEFT_DAYS * DAY_MS;
    } catch {
      return false; // missing, or damaged: it is made anew
    }
  }
}

async function readRoot(certFile: string, keyFile: string, now: number) {
  try {
    const [certificate, key] = await Promise.all([readFile(certFile, "utf8"), readFile(keyFile, "utf8")]);
    const { x509, notAfter } = parseCertificate(certificate);
    const isGood = x509.checkPrivateKey(readPrivateKey(key, keyFile)) && notAfter - now > CERTIFICATE_DAYS * DAY_MS;
    return isGood ? { certificate, key } : undefined;
  } catch {
    return undefined; // missing, or damaged: it is made anew
  }
}
