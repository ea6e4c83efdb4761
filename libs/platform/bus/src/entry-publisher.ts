import { type MsgHdrs, headers as makeHeaders } from "@nats-io/transport-node";
import { chunkSubject, valueSubject } from "./bucket-names.ts";
import { CHUNKS, type ChunkInfo, chunksHeader, splitValue } from "./chunks.ts";
import { DELETION_TTL, OPERATION } from "./entry.ts";
import type { Link } from "./nats-link.ts";
import type { EntrySigner } from "./signature.ts";
import type { StoreIncarnation } from "./store-incarnation.ts";

/** Room for headers in a message, in bytes. */
const HEADER_ROOM = 8_192;
const DEFAULT_MAX_PAYLOAD = 1 << 20;

/** Stores entries of a bucket: signed where the bucket is, in chunks where a value is larger than a message. */
export class EntryPublisher {
  readonly #bucket: string;
  readonly #store: StoreIncarnation;
  readonly #signer: EntrySigner | undefined;
  readonly #lost: () => void;
  /** Chunks on the server that a key of ours refers to. */
  readonly #chunks = new Map<string, ChunkInfo>();

  /** @param lost called when the store has lost what it had acknowledged before */
  constructor(bucket: string, store: StoreIncarnation, signer: EntrySigner | undefined, lost: () => void) {
    this.#bucket = bucket;
    this.#store = store;
    this.#signer = signer;
    this.#lost = lost;
  }

  /** Stores a value, or a deletion. Rejects when the server does not acknowledge it. */
  async publish(link: Link, key: string, value: Uint8Array | undefined): Promise<void> {
    const subject = valueSubject(this.#bucket, key);
    const old = this.#chunks.get(key);
    const room = (link.connection.info?.max_payload ?? DEFAULT_MAX_PAYLOAD) - HEADER_ROOM;
    const info = value && value.byteLength > room ? await this.#publishChunks(link, value, room) : undefined;
    const headers = value ? makeHeaders() : deletion();
    if (info) headers.set(CHUNKS, chunksHeader(info));
    const data = value && !info ? value : new Uint8Array();
    this.#signer?.sign(headers, subject, data);
    const begun = this.#store.begin();
    const { seq } = await link.stream.publish(subject, data, { headers });
    if (this.#store.acknowledged(seq, begun)) this.#lost();
    if (info) this.#chunks.set(key, info);
    else this.#chunks.delete(key);
    if (old && old.hash !== info?.hash) await this.#dropChunks(link, old);
  }

  /** The store was lost, and the chunks with it. */
  forgetChunks(): void {
    this.#chunks.clear();
  }

  /** Before the value that refers to them: whoever sees it finds them all. */
  async #publishChunks(link: Link, value: Uint8Array, chunkBytes: number): Promise<ChunkInfo> {
    const { info, chunks } = splitValue(value, chunkBytes);
    for (const [i, chunk] of chunks.entries())
      await link.stream.publish(chunkSubject(this.#bucket, info.hash, i), chunk);
    return info;
  }

  async #dropChunks(link: Link, { hash, count }: ChunkInfo): Promise<void> {
    // Another key may have the same content.
    if ([...this.#chunks.values()].some((each) => each.hash === hash)) return;
    for (let i = 0; i < count; i++)
      await link.stream.publish(chunkSubject(this.#bucket, hash, i), new Uint8Array(), { headers: deletion() });
  }
}

function deletion(): MsgHdrs {
  const headers = makeHeaders();
  headers.set(OPERATION, "DEL");
  headers.set("Nats-TTL", DELETION_TTL);
  return headers;
}
