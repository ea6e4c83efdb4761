import { createPrivateKey, type KeyObject, randomBytes } from "node:crypto";
import { link, mkdir, readFile, unlink } from "node:fs/promises";
import { join } from "node:path";
import { XebecError } from "@xebec/core-errors";
import { generateKey, privateKeyPem } from "@xebec/model-pki";
import { writeKeyFile } from "@xebec/platform-files";

/**
 * The key that signs the bootstrap tokens of the local platform: `DIR/token-key.pem`, EC on P-256, mode 0600. It is made when
 * absent; when several processes make it at once, all get the same one.
 * @throws XebecError failed_precondition when the file holds something else
 */
export async function loadOrCreateTokenKey(dir: string): Promise<KeyObject> {
  const path = join(dir, "token-key.pem");
  const existing = await readKey(path);
  if (existing) return existing;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const draft = `${path}.${randomBytes(6).toString("hex")}`;
  await writeKeyFile(draft, privateKeyPem(generateKey("P-256")));
  try {
    // A link is refused when the name exists: whoever is first decides.
    await link(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    await unlink(draft);
  }
  const made = await readKey(path);
  if (!made) throw new XebecError("unavailable", `${path} was removed while it was made`);
  return made;
}

async function readKey(path: string): Promise<KeyObject | undefined> {
  let pem: string;
  try {
    pem = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new XebecError("failed_precondition", `${path} cannot be read`, { cause: error });
  }
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyDetails?.namedCurve === "prime256v1") return key;
  } catch (error) {
    throw new XebecError("failed_precondition", `${path} holds no private key`, { cause: error });
  }
  throw new XebecError("failed_precondition", `${path} holds a key that is not EC on P-256`);
}
