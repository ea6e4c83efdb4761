import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import { parseCertificate, readPrivateKey, splitCertificates } from "@xebec/model-pki";
import { writeKeyFile } from "@xebec/platform-files";

/** A key pair that citadel signed. */
export interface StoredIdentity {
  readonly key: string;
  /** The certificate followed by its intermediates, PEM. */
  readonly cert: string;
  /** The roots that the mesh trusts, PEM. */
  readonly roots: string;
  /** Milliseconds since 1970. */
  readonly issuedAt: number;
  readonly notAfter: number;
}

const log = logger("identity");
// Key and certificate in one file: no crash can leave a pair that does not fit.
const FILE = "identity.json";

/** How far the clock may have been set back since a certificate came, in milliseconds. */
const CLOCK_MS = 60_000;

/** What an earlier process left. */
export interface Restored {
  /** Absent when there is none, or none that may be used. */
  readonly identity?: StoredIdentity;
  /** The roots that the mesh trusted then, also when the certificate has ended since. */
  readonly roots?: string;
}

/**
 * Reads the identity that an earlier process kept. What cannot be used is reported in the log.
 * @param unfit says why the SPIFFE identity of the certificate is not the one that is wanted; undefined: it is
 */
export async function loadIdentity(
  dir: string,
  now: number,
  unfit: (spiffeId: string | undefined) => string | undefined = () => undefined,
): Promise<Restored> {
  const path = join(dir, FILE);
  try {
    const stored = JSON.parse(await readFile(path, "utf8")) as StoredIdentity;
    const { notBefore, notAfter, names } = check(stored, path);
    const why = unfit(names.uris[0]);
    if (why) throw new XebecError("failed_precondition", why);
    if (notBefore > now || stored.issuedAt > now + CLOCK_MS)
      throw new XebecError("failed_precondition", "it is from the future: the clock was set back");
    const { roots } = stored;
    return notAfter > now ? { identity: { ...stored, notAfter }, roots } : { roots };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT")
      log.warn({ err: error, file: path }, "the stored identity is not used; a new one will be asked for");
    return {};
  }
}

/** @throws XebecError data_loss unless key, certificate and roots are whole and belong together */
function check({ cert, key, roots, issuedAt }: StoredIdentity, path: string) {
  const certificate = parseCertificate(cert, path);
  if (!certificate.x509.checkPrivateKey(readPrivateKey(key, path)))
    throw new XebecError("data_loss", "its key is another certificate's");
  if (typeof roots !== "string" || splitCertificates(roots).length === 0)
    throw new XebecError("data_loss", "it holds no roots");
  if (!Number.isFinite(issuedAt)) throw new XebecError("data_loss", "it does not say when it was made");
  return certificate;
}

/** Keeps the identity with mode 0600. */
export function saveIdentity(dir: string, identity: StoredIdentity): Promise<void> {
  return writeKeyFile(join(dir, FILE), `${JSON.stringify(identity)}\n`);
}
