import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { decodeMulti, encode } from "@msgpack/msgpack";

/** An entry of the forward protocol. */
export interface Entry {
  readonly tag: string;
  /** Seconds since 1970 UTC. */
  readonly time: number;
  readonly record: Readonly<Record<string, unknown>>;
}

const MAX_ANSWER = 64 << 10;

/** Speaks Fluentd's forward protocol, version 1, over one connection that is made again after each error. */
export class ForwardClient {
  readonly #connect: (signal: AbortSignal) => Promise<Socket>;
  readonly #acknowledged: boolean;
  #socket: Socket | undefined;

  /** @param acknowledged whether the server is asked to acknowledge what it got */
  constructor(connect: (signal: AbortSignal) => Promise<Socket>, acknowledged: boolean) {
    this.#connect = connect;
    this.#acknowledged = acknowledged;
  }

  /** Sends entries, those of a tag in one message each. @throws Error when the server does not take them all */
  async send(entries: readonly Entry[], signal: AbortSignal): Promise<void> {
    const byTag = new Map<string, (readonly [number, object])[]>();
    for (const { tag, time, record } of entries) {
      const list = byTag.get(tag) ?? [];
      byTag.set(tag, list);
      list.push([time, record]);
    }
    try {
      if (!this.#socket || this.#socket.destroyed) this.#socket = await this.#connect(signal);
      for (const [tag, list] of byTag) await this.#message(this.#socket, tag, list, signal);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  async #message(
    socket: Socket,
    tag: string,
    entries: readonly (readonly [number, object])[],
    signal: AbortSignal,
  ): Promise<void> {
    const chunk = randomBytes(16).toString("base64");
    const options = { size: entries.length, ...(this.#acknowledged ? { chunk } : {}) };
    const bytes = encode([tag, entries, options]);
    await new Promise<void>((resolve, reject) => {
      const parts: Buffer[] = [];
      let size = 0;
      const settle = (error?: Error): void => {
        socket.off("data", read).off("error", settle).off("close", closed);
        signal.removeEventListener("abort", aborted);
        if (error) reject(error);
        else resolve();
      };
      const closed = (): void => settle(new Error("the server closed the connection"));
      const aborted = (): void => settle(new Error("the server did not acknowledge a batch in time"));
      const read = (part: Buffer): void => {
        parts.push(part);
        size += part.length;
        if (size > MAX_ANSWER) {
          settle(new Error("the server answers with something else than an acknowledgement"));
          return;
        }
        const answer = acknowledgementIn(Buffer.concat(parts));
        if (answer === undefined) return;
        settle(answer === chunk ? undefined : new Error("the server acknowledges something else"));
      };
      socket.on("data", read).on("error", settle).on("close", closed);
      signal.addEventListener("abort", aborted, { once: true });
      socket.write(bytes, (error) => {
        if (error) settle(error);
        else if (!this.#acknowledged) settle();
      });
    });
  }
}

/** @returns undefined as long as the answer is not whole */
function acknowledgementIn(bytes: Buffer): unknown {
  try {
    const [first] = decodeMulti(bytes);
    return (first as { readonly ack?: unknown } | undefined)?.ack ?? null;
  } catch {
    return undefined;
  }
}
