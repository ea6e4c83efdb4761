import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** A message of the bus may have 1 MiB; some hundred proxies are as much, and most of it is the same for all of them. */
const PLAIN_LIMIT = 256 << 10;
const FASTEST = 1;
/** What an answer may become when it is read. */
const LIMIT = 256 << 20;
const GZIP = 0x1f;

/** Writes the answer of one replica to the request `proxies`: JSON, compressed when it is long. */
export async function encodeProxies(proxies: readonly unknown[]): Promise<Uint8Array> {
  const text = Buffer.from(JSON.stringify(proxies));
  return text.length <= PLAIN_LIMIT ? text : compress(text, { level: FASTEST });
}

/** Reads an answer to the request `proxies`. @throws Error when the bytes are none */
export async function decodeProxies(bytes: Uint8Array): Promise<unknown[]> {
  const text = bytes[0] === GZIP ? await decompress(bytes, { maxOutputLength: LIMIT }) : Buffer.from(bytes);
  return JSON.parse(text.toString("utf8")) as unknown[];
}
