import { isXebecError } from "@xebec/core-errors";
import type { DeliveryContext } from "@xebec/mixer-sdk";
import { bytesOf, type Parcel } from "./parcel.ts";

/** Items of the bus have at most so many bytes, so that a replica holds few of them. */
const MAX_ITEM_BYTES = 128 << 10;
/** After an item that the bus did not take, records go to the sink directly for so long, in milliseconds. */
const AVOID_MS = 5_000;

type Outcome = "done" | { readonly retryMs: number };

/** A queue that replicas share, as the bus has it. */
export interface SharedQueue {
  readonly connected: boolean;
  add(key: string, data: Uint8Array): Promise<void>;
  consume(
    key: string,
    work: (item: { readonly data: Uint8Array; readonly addedAt: number }) => Promise<Outcome>,
  ): { close(): void };
}

export interface OutboxOptions {
  readonly queue: SharedQueue;
  readonly key: string;
  readonly context: DeliveryContext;
  /** How long records gather before they are stored. */
  readonly lingerMs: number;
  /** A parcel that this replica shall send. */
  received(parcel: Parcel): void;
  /** Records that the bus could not take. @throws Error when there is no place for them */
  direct(records: readonly string[]): void;
  /** So many records the bus has no place for. */
  refused(records: number): void;
  unreadable(error: unknown): void;
}

interface Gathering {
  readonly records: string[];
  bytes: number;
  readonly stored: Promise<void>;
  resolve(): void;
  reject(error: unknown): void;
}

/** Puts records on the bus, many in an item, and takes items from there. */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #subscription: { close(): void };
  #gathering: Gathering | undefined;
  #timer: NodeJS.Timeout | undefined;
  #storing = new Set<Promise<void>>();
  #avoidUntil = 0;
  records = 0;
  bytes = 0;

  constructor(options: OutboxOptions) {
    this.#options = options;
    const { queue, key } = options;
    this.#subscription = queue.consume(key, (item) => this.#receive(item));
  }

  /** @returns resolves when the bus has stored them, or when they go to the sink directly */
  async add(records: readonly string[]): Promise<void> {
    const { queue, context, direct } = this.#options;
    if (!queue.connected || context.clock.now() < this.#avoidUntil) return direct(records);
    const waits = new Set<Promise<void>>();
    for (const each of records) {
      const bytes = each.length + 1;
      if (this.#gathering && this.#gathering.bytes + bytes > MAX_ITEM_BYTES) this.#store();
      this.#gathering ??= this.#begin();
      this.#gathering.records.push(each);
      this.#gathering.bytes += bytes;
      this.records++;
      this.bytes += bytes;
      waits.add(this.#gathering.stored);
    }
    await Promise.all(waits);
  }

  async close(): Promise<void> {
    this.#subscription.close();
    this.#store();
    await Promise.all(this.#storing);
  }

  #begin(): Gathering {
    // Real time: whoever reports waits for it.
    this.#timer = setTimeout(() => this.#store(), this.#options.lingerMs);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    return { records: [], bytes: 2, stored: promise, resolve, reject };
  }

  #store(): void {
    clearTimeout(this.#timer);
    const gathering = this.#gathering;
    this.#gathering = undefined;
    if (!gathering) return;
    const work = this.#put(gathering).then(gathering.resolve, gathering.reject);
    this.#storing.add(work);
    void work.finally(() => this.#storing.delete(work));
  }

  async #put({ records, bytes }: Gathering): Promise<void> {
    const { queue, key, context, direct, refused } = this.#options;
    try {
      await queue.add(key, Buffer.from(`[${records.join(",")}]`));
    } catch (error) {
      if (isXebecError(error) && error.code === "resource_exhausted") {
        refused(records.length);
        throw error;
      }
      context.log.warn(
        { handler: context.handler, err: error },
        "the bus does not store records for a sink; they go there directly",
      );
      this.#avoidUntil = context.clock.now() + AVOID_MS;
      direct(records);
    } finally {
      this.records -= records.length;
      this.bytes -= bytes - 2;
    }
  }

  #receive({ data, addedAt }: { readonly data: Uint8Array; readonly addedAt: number }): Promise<Outcome> {
    let records: string[];
    try {
      records = (JSON.parse(Buffer.from(data).toString()) as unknown[]).map((each) => JSON.stringify(each));
    } catch (error) {
      this.#options.unreadable(error);
      return Promise.resolve("done");
    }
    return new Promise((resolve) => {
      this.#options.received({
        records,
        bytes: bytesOf(records),
        addedAt,
        done: () => resolve("done"),
        giveBack: () => {
          resolve({ retryMs: 0 });
          return true;
        },
      });
    });
  }
}
