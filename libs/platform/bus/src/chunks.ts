import { createHash } from "node:crypto";
import type { MsgHdrs } from "@nats-io/transport-node";

/** Header of a value that is larger than a message: `<hash>/<number of chunks>/<bytes>`. */
export const CHUNKS = "Xebec-Chunks";

/** How a large value was split, as in NATS' object store. */
export interface ChunkInfo {
  /** First half of the SHA-256 of the whole value, hexadecimal: names its chunks. */
  readonly hash: string;
  readonly count: number;
  readonly bytes: number;
}

export function chunksHeader({ hash, count, bytes }: ChunkInfo): string {
  return `${hash}/${count}/${bytes}`;
}

/** @returns undefined for a value that was not split */
export function readChunksHeader(headers: MsgHdrs): ChunkInfo | undefined {
  const match = /^([0-9a-f]{32})\/(\d{1,5})\/(\d{1,12})$/.exec(headers.get(CHUNKS));
  return match ? { hash: match[1] as string, count: Number(match[2]), bytes: Number(match[3]) } : undefined;
}

/** @param chunkBytes size of every chunk but the last */
export function splitValue(value: Uint8Array, chunkBytes: number): { info: ChunkInfo; chunks: Uint8Array[] } {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < value.byteLength; at += chunkBytes) chunks.push(value.subarray(at, at + chunkBytes));
  return { info: { hash: hashOf(value), count: chunks.length, bytes: value.byteLength }, chunks };
}

/** @returns undefined when a chunk is missing or the whole does not have its hash */
export function joinChunks(info: ChunkInfo, chunk: (i: number) => Uint8Array | undefined): Uint8Array | undefined {
  const chunks: Uint8Array[] = [];
  for (let i = 0; i < info.count; i++) {
    const each = chunk(i);
    if (!each) return undefined;
    chunks.push(each);
  }
  const whole = Buffer.concat(chunks);
  return whole.byteLength === info.bytes && hashOf(whole) === info.hash ? whole : undefined;
}

function hashOf(value: Uint8Array): string {
  return createHash("sha256").update(value).digest("hex").slice(0, 32);
}
