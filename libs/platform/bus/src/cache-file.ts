import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { XebecError } from "@xebec/core-errors";
import { writeFileAtomic } from "@xebec/platform-files";
import type { RememberedSource } from "./source-state.ts";

const MAGIC = Buffer.from("xebec-generations 2\n");
/** Of files without the name of the store. */
const OLD_MAGIC = Buffer.from("xebec-generations 1\n");
const DIGEST_BYTES = 32;
const BLOCK_BYTES = 256 << 10;

/**
 * Reads a file of last known good entries.
 * @returns undefined when there is none
 * @throws XebecError data_loss when it is cut off or altered
 */
export async function readCache(path: string): Promise<Map<string, RememberedSource> | undefined> {
  let file: Buffer;
  try {
    file = await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new XebecError("data_loss", `${path} cannot be read`, { cause: error });
  }
  const body = file.subarray(0, -DIGEST_BYTES);
  const digest = createHash("sha256").update(body).digest();
  const magic = file.subarray(0, MAGIC.length);
  const isOld = magic.equals(OLD_MAGIC);
  if (!(isOld || magic.equals(MAGIC)) || !digest.equals(file.subarray(-DIGEST_BYTES)))
    throw new XebecError("data_loss", `${path} is damaged; it is ignored and written anew`);
  let at = MAGIC.length;
  const number = (): number => {
    at += 4;
    return body.readUInt32LE(at - 4);
  };
  const bytes = (): Buffer => {
    const length = number();
    at += length;
    return body.subarray(at - length, at);
  };
  const sources = new Map<string, RememberedSource>();
  for (let left = number(); left > 0; left--) {
    const source = bytes().toString();
    const revision = Number(bytes().toString());
    const incarnation = isOld ? "" : bytes().toString();
    const entries = new Map<string, Uint8Array>();
    for (let count = number(); count > 0; count--) entries.set(bytes().toString(), bytes());
    sources.set(source, { revision, incarnation, entries });
  }
  return sources;
}

/** Writes a file of last known good entries whole or not at all, readable by its owner only; block by block, so that others have their turn. */
export async function writeCache(path: string, sources: ReadonlyMap<string, RememberedSource>): Promise<void> {
  // What is applied may change between two blocks.
  const now = [...sources].map(([name, source]) => ({ ...source, name, entries: [...source.entries] }));
  await writeFileAtomic(path, blocks(fields(now)), { mode: 0o600 });
}

function* fields(
  sources: readonly (Omit<RememberedSource, "entries"> & {
    readonly name: string;
    readonly entries: readonly (readonly [string, Uint8Array])[];
  })[],
): Generator<Uint8Array> {
  const number = (value: number): Uint8Array => {
    const four = Buffer.alloc(4);
    four.writeUInt32LE(value);
    return four;
  };
  function* bytes(value: string | Uint8Array): Generator<Uint8Array> {
    const data = typeof value === "string" ? Buffer.from(value) : value;
    yield number(data.byteLength);
    yield data;
  }
  yield MAGIC;
  yield number(sources.length);
  for (const { name, revision, incarnation, entries } of sources) {
    yield* bytes(name);
    yield* bytes(String(revision));
    yield* bytes(incarnation);
    yield number(entries.length);
    for (const [key, value] of entries) {
      yield* bytes(key);
      yield* bytes(value);
    }
  }
}

/** What is written at a time, and their digest at the end. */
async function* blocks(parts: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const digest = createHash("sha256");
  let block: Uint8Array[] = [];
  let size = 0;
  const take = (): Uint8Array => {
    const whole = Buffer.concat(block, size);
    digest.update(whole);
    block = [];
    size = 0;
    return whole;
  };
  for (const part of parts) {
    block.push(part);
    size += part.byteLength;
    if (size >= BLOCK_BYTES) yield take();
  }
  yield take();
  yield digest.digest();
}
