import type { Duplex } from "node:stream";
import { constants, createDeflate, createInflate } from "node:zlib";
import { DICTIONARY } from "./spdy-dictionary.ts";

/** The frames of SPDY/3.1 that kubectl and the API server send (draft-mbelshe-httpbis-spdy-00, section 2.6). */
const FRAME = { synStream: 1, synReply: 2, rstStream: 3, settings: 4, ping: 6, goAway: 7, headers: 8 } as const;
const VERSION = 3;
const FIN = 1;
const MOST_FRAME = 1 << 20;
const MOST_STREAMS = 4_096;
const CANCEL = 5;

/** One stream of a connection; the client opens it. */
export interface SpdyStream {
  readonly id: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** @returns false: the connection's buffer is full; `drained` resolves when there is room */
  write(bytes: Uint8Array): boolean;
  /** Nothing more is sent. */
  end(): void;
  reset(): void;
  /** Called with what the client sends, and with undefined at its end. What came before is kept. */
  read(handler: (bytes: Buffer | undefined) => void): void;
}

interface OpenStream extends SpdyStream {
  take(bytes: Buffer | undefined): void;
}

/** The server's side of a SPDY connection, as Kubernetes uses it for exec and port forwarding. */
export class SpdyConnection {
  readonly #socket: Duplex;
  readonly #streams = new Map<number, OpenStream>();
  readonly #opened: (stream: SpdyStream) => void;
  readonly #inflate = createInflate({ dictionary: DICTIONARY });
  readonly #deflate = createDeflate({ dictionary: DICTIONARY });
  #buffer = Buffer.alloc(0);
  #work = Promise.resolve();
  /** Resolves when the connection is over. */
  readonly closed: Promise<void>;

  /**
   * @param head what has come already
   * @param opened called for each new stream
   */
  constructor(socket: Duplex, head: Buffer, opened: (stream: SpdyStream) => void) {
    this.#socket = socket;
    this.#opened = opened;
    for (const each of [this.#inflate, this.#deflate]) each.on("error", () => socket.destroy());
    this.closed = new Promise((resolve) => {
      socket.once("close", () => {
        this.#inflate.close();
        this.#deflate.close();
        for (const each of this.#streams.values()) each.take(undefined);
        resolve();
      });
    });
    socket.on("error", () => socket.destroy());
    socket.on("data", (bytes: Buffer) => this.#receive(bytes));
    if (head.length > 0) this.#receive(head);
  }

  /** Resolves when the connection takes more. */
  drained(): Promise<void> {
    if (!this.#socket.writableNeedDrain || this.#socket.destroyed) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        this.#socket.off("drain", done);
        this.#socket.off("close", done);
        resolve();
      };
      this.#socket.on("drain", done);
      this.#socket.on("close", done);
    });
  }

  /** Ends the connection when everything is sent. */
  end(): void {
    if (this.#socket.destroyed) return;
    const body = Buffer.alloc(8);
    body.writeUInt32BE(Math.max(0, ...this.#streams.keys()), 0);
    this.#control(FRAME.goAway, 0, body);
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #receive(bytes: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, bytes]);
    while (this.#buffer.length >= 8) {
      const length = this.#buffer.readUInt32BE(4) & 0xff_ffff;
      if (length > MOST_FRAME) {
        this.#socket.destroy();
        return;
      }
      if (this.#buffer.length < 8 + length) return;
      const head = Buffer.from(this.#buffer.subarray(0, 8));
      const body = Buffer.from(this.#buffer.subarray(8, 8 + length));
      this.#buffer = this.#buffer.subarray(8 + length);
      // Headers are decompressed one after the other; frames keep their order.
      this.#work = this.#work.then(() => this.#frame(head, body)).catch(() => this.destroy());
    }
  }

  async #frame(head: Buffer, body: Buffer): Promise<void> {
    const first = head.readUInt32BE(0);
    const isLast = ((head[4] ?? 0) & FIN) !== 0;
    if ((first & 0x8000_0000) === 0) {
      const stream = this.#streams.get(first);
      if (body.length > 0) stream?.take(body);
      if (isLast) stream?.take(undefined);
      return;
    }
    if (((first >>> 16) & 0x7fff) !== VERSION) throw new Error("not SPDY/3");
    switch (first & 0xffff) {
      case FRAME.synStream: {
        const id = body.readUInt32BE(0) & 0x7fff_ffff;
        if (this.#streams.size >= MOST_STREAMS) throw new Error("too many streams");
        const headers = parseHeaders(await this.#decompress(body.subarray(10)));
        const stream = this.#stream(id, headers);
        this.#streams.set(id, stream);
        await this.#reply(id);
        this.#opened(stream);
        if (isLast) stream.take(undefined);
        return;
      }
      case FRAME.headers:
        await this.#decompress(body.subarray(4)); // only so that the next ones can be read
        return;
      case FRAME.rstStream: {
        const id = body.readUInt32BE(0) & 0x7fff_ffff;
        this.#streams.get(id)?.take(undefined);
        this.#streams.delete(id);
        return;
      }
      case FRAME.ping:
        this.#control(FRAME.ping, 0, body);
        return;
      case FRAME.goAway:
        return;
      default: // settings and windows: these clients have none
    }
  }

  #stream(id: number, headers: Readonly<Record<string, string>>): OpenStream {
    const early: (Buffer | undefined)[] = [];
    let handler: ((bytes: Buffer | undefined) => void) | undefined;
    let clientEnded = false;
    let ended = false;
    const forget = (): void => {
      if (clientEnded && ended) this.#streams.delete(id);
    };
    return {
      id,
      headers,
      take: (bytes) => {
        if (clientEnded) return;
        clientEnded = bytes === undefined;
        if (handler) handler(bytes);
        else early.push(bytes);
        forget();
      },
      read: (given) => {
        handler = given;
        for (const each of early.splice(0)) given(each);
      },
      write: (bytes) => ended || this.#data(id, 0, bytes),
      end: () => {
        if (ended) return;
        ended = true;
        this.#data(id, FIN, new Uint8Array());
        forget();
      },
      reset: () => {
        if (ended) return;
        ended = true;
        const body = Buffer.alloc(8);
        body.writeUInt32BE(id, 0);
        body.writeUInt32BE(CANCEL, 4);
        this.#control(FRAME.rstStream, 0, body);
        this.#streams.delete(id);
      },
    };
  }

  async #reply(id: number): Promise<void> {
    const block = await this.#compress(Buffer.alloc(4));
    const body = Buffer.alloc(4);
    body.writeUInt32BE(id, 0);
    this.#control(FRAME.synReply, 0, Buffer.concat([body, block]));
  }

  #data(id: number, flags: number, bytes: Uint8Array): boolean {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(id, 0);
    head.writeUInt32BE(((flags << 24) | bytes.length) >>> 0, 4);
    return this.#write(bytes.length > 0 ? Buffer.concat([head, bytes]) : head);
  }

  #control(type: number, flags: number, body: Buffer): void {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(((0x8000 | VERSION) * 0x1_0000 + type) >>> 0, 0);
    head.writeUInt32BE(((flags << 24) | body.length) >>> 0, 4);
    this.#write(Buffer.concat([head, body]));
  }

  #write(bytes: Buffer): boolean {
    return this.#socket.destroyed || this.#socket.writableEnded || this.#socket.write(bytes);
  }

  #decompress(block: Buffer): Promise<Buffer> {
    return transform(this.#inflate, block);
  }

  #compress(block: Buffer): Promise<Buffer> {
    return transform(this.#deflate, block);
  }
}

type Zlib = ReturnType<typeof createInflate> | ReturnType<typeof createDeflate>;

/** Sends a block through; the compression goes on from block to block. */
function transform(zlib: Zlib, block: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    const collect = (part: Buffer): void => {
      parts.push(part);
    };
    const fail = (error: Error): void => reject(error);
    zlib.on("data", collect);
    zlib.once("error", fail);
    zlib.write(block);
    zlib.flush(constants.Z_SYNC_FLUSH, () => {
      zlib.off("data", collect);
      zlib.off("error", fail);
      resolve(Buffer.concat(parts));
    });
  });
}

function parseHeaders(block: Buffer): Record<string, string> {
  const headers: Record<string, string> = {};
  let at = 4;
  const text = (): string => {
    const length = block.readUInt32BE(at);
    const value = block.toString("utf8", at + 4, at + 4 + length);
    at += 4 + length;
    return value;
  };
  for (let left = block.readUInt32BE(0); left > 0; left--) headers[text().toLowerCase()] = text();
  return headers;
}
