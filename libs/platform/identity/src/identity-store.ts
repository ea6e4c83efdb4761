import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { logger } from "@xebec/core-log";
import { parseCertificate, readPrivateKey } from "@xebec/model-pki";
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

/** Reads the identity that an earlier process kept. @returns undefined when there is none, or none that is still valid */
export async function loadIdentity(dir: string, now: number): Promise<StoredIdentity | undefined> {
  const path = join(dir, FILE);
  try {
    const stored = JSON.parse(await readFile(path, "utf8")) as StoredIdentity;
    readPrivateKey(stored.key, path);
    const { notAfter } = parseCertificate(stored.cert, path);
    return notAfter > now && typeof stored.issuedAt === "number" ? { ...stored, notAfter } : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT")
      log.warn({ err: error, file: path }, "the stored identity is not usable; a new one will be asked for");
    return undefined;
  }
}

/** Keeps the identity with mode 0600. */
export function saveIdentity(dir: string, identity: StoredIdentity): Promise<void> {
  return writeKeyFile(join(dir, FILE), `${JSON.stringify(identity)}\n`);
}
