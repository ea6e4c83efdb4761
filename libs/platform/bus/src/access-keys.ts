import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { createUser, fromSeed } from "@nats-io/nkeys";
import { XebecError } from "@xebec/core-errors";
import { BUS_USERS, type BusUser } from "@xebec/model-bus";
import { writeFileAtomic, writeKeyFile } from "@xebec/platform-files";

export interface BusKeys {
  /** Public nkey of every user; not secret. */
  readonly publicKeys: Readonly<Record<BusUser, string>>;
  /** The file that holds a user's seed (mode 0600). */
  seedFile(user: BusUser): string;
  readonly publicKeysFile: string;
  /** The user that may ask the server for its health: no user of the bus, but of the server's own account. */
  readonly health: { readonly publicKey: string; readonly seed: string };
}

/**
 * Makes an nkey for every user that has none: `<folder>/<user>.nk` with the seed (0600), `health.nk`, `<folder>/public-keys.json`.
 * Seeds that exist are kept.
 */
export async function createBusKeys(folder: string): Promise<BusKeys> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const seedFile = (user: BusUser): string => join(folder, `${user}.nk`);
  const pairs: [BusUser, string][] = [];
  for (const user of BUS_USERS) {
    pairs.push([user, publicKeyOf(await readOrMakeSeed(seedFile(user)))]);
  }
  const publicKeys = Object.fromEntries(pairs) as Record<BusUser, string>;
  const publicKeysFile = join(folder, "public-keys.json");
  await writeFileAtomic(publicKeysFile, `${JSON.stringify(publicKeys, null, 2)}\n`, { mode: 0o644 });
  const seed = await readOrMakeSeed(join(folder, "health.nk"));
  return { publicKeys, publicKeysFile, seedFile, health: { publicKey: publicKeyOf(seed), seed } };
}

async function readOrMakeSeed(path: string): Promise<string> {
  try {
    return await readSeed(path);
  } catch (error) {
    if ((error as XebecError).code !== "not_found") throw error;
    const made = makeSeed();
    await writeKeyFile(path, `${made}\n`);
    return made;
  }
}

/** Reads a seed. @throws XebecError not_found, invalid_argument when the file holds no seed */
export async function readSeed(path: string): Promise<string> {
  let text: string;
  try {
    text = (await readFile(path, "utf8")).trim();
  } catch (error) {
    throw new XebecError("not_found", `the bus key ${path} cannot be read`, { cause: error });
  }
  publicKeyOf(text, path);
  return text;
}

/** Reads the public keys that `createBusKeys` wrote. @throws XebecError not_found */
export async function readPublicKeys(path: string): Promise<Partial<Record<BusUser, string>>> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as Partial<Record<BusUser, string>>;
  } catch (error) {
    throw new XebecError("not_found", `the public keys of the bus, ${path}, cannot be read`, { cause: error });
  }
}

/** Makes the seed of a user. */
export function makeSeed(): string {
  return new TextDecoder().decode(createUser().getSeed());
}

/** @throws XebecError invalid_argument when the text is no seed of a user */
export function publicKeyOf(seed: string, where = "the text"): string {
  try {
    return fromSeed(new TextEncoder().encode(seed)).getPublicKey();
  } catch (error) {
    throw new XebecError("invalid_argument", `${where} is not an nkey seed of a user`, { cause: error });
  }
}
