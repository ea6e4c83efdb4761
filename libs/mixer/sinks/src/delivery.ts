import type { Deliver, Delivery, DeliveryCounts, DeliveryOptions } from "@xebec/mixer-sdk";
import { Counts, type DeliveryMeter } from "./counts.ts";
import { Outbox, type SharedQueue } from "./outbox.ts";
import { bytesOf, memoryParcel } from "./parcel.ts";
import { Sender } from "./sender.ts";

/** Largest record, as JSON. */
const MAX_RECORD_BYTES = 256 << 10;
/** What waits in memory for one sink has at most so many bytes. */
const MAX_MEMORY_BYTES = 16 << 20;
/** Parcels of the bus that one replica holds for one sink. */
const MAX_PARCELS = 60;

export interface DeliveriesOptions {
  /** The queue that replicas share; without it records wait in the memory of the process. */
  readonly queue?: SharedQueue | undefined;
  /** Has the deliveries that are open; for whoever counts what waits. */
  readonly open?: Set<Pick<Delivery<never>, "counts">>;
  /** @returns what counts for one handler */
  readonly meter?: (handler: string, adapter: string) => DeliveryMeter;
}

/** Makes the way to remote sinks for all handlers of a process. */
export function createDeliver({ queue, meter, open }: DeliveriesOptions = {}): Deliver {
  return <R>(options: DeliveryOptions<R>): Delivery<R> => {
    const made = new SinkDelivery(options, queue, meter?.(options.context.handler, options.adapter), () =>
      open?.delete(made),
    );
    open?.add(made);
    return made;
  };
}

class SinkDelivery<R> implements Delivery<R> {
  readonly #options: DeliveryOptions<R>;
  readonly #counts: Counts;
  readonly #sender: Sender;
  readonly #outbox: Outbox | undefined;
  #isClosed = false;

  readonly #closed: () => void;

  constructor(
    options: DeliveryOptions<R>,
    queue: SharedQueue | undefined,
    meter: DeliveryMeter | undefined,
    closed: () => void,
  ) {
    this.#closed = closed;
    const { context, maxRecords = 1_000, maxBytes = 1 << 20, intervalMs = 1_000 } = options;
    this.#options = options;
    this.#counts = new Counts(meter);
    this.#sender = new Sender({
      ...{ context, maxRecords, maxBytes, intervalMs, counts: this.#counts },
      send: (records, signal) => options.send(records as readonly R[], signal),
      timeoutMs: options.timeoutMs ?? 20_000,
      maxAgeMs: options.maxAgeMs ?? 3_600_000,
      maxParcels: queue ? MAX_PARCELS : Number.POSITIVE_INFINITY,
    });
    const { handler, log } = context;
    if (queue)
      this.#outbox = new Outbox({
        ...{ queue, context },
        key: options.kind === undefined ? handler : `${handler}/${options.kind}`,
        lingerMs: Math.min(50, intervalMs),
        received: (parcel) => this.#sender.add(parcel),
        // The bus takes nothing: the records go to the sink from here.
        direct: (records) => this.#keep(records),
        refused: (records) => this.#counts.drop("full", records),
        unreadable: (error) =>
          log.error({ handler, err: error }, "an item of the bus is not what a replica has written"),
      });
  }

  get counts(): DeliveryCounts {
    const { accepted, delivered, retried, dropped } = this.#counts;
    return { accepted, delivered, retried, dropped, waiting: this.#sender.records + (this.#outbox?.records ?? 0) };
  }

  add(records: readonly R[]): void | Promise<void> {
    if (records.length === 0) return;
    this.#counts.count("accepted", records.length);
    if (this.#isClosed) {
      this.#counts.drop("closed", records.length);
      throw new Error("the handler is closed");
    }
    const texts: string[] = [];
    for (const each of records) {
      const text = JSON.stringify(each);
      if (text.length <= MAX_RECORD_BYTES) texts.push(text);
    }
    const tooLarge = records.length - texts.length;
    this.#counts.drop("too_large", tooLarge);
    const stored = this.#outbox ? this.#hand(texts) : this.#keep(texts);
    if (tooLarge > 0) throw new Error(`${tooLarge} records are larger than ${MAX_RECORD_BYTES} bytes and were dropped`);
    return stored;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#outbox?.close();
    await this.#sender.close();
    this.#closed();
  }

  #hand(texts: readonly string[]): Promise<void> {
    const outbox = this.#outbox as Outbox;
    if (outbox.bytes + bytesOf(texts) > MAX_MEMORY_BYTES) return Promise.resolve(this.#refuse(texts.length));
    return outbox.add(texts);
  }

  /** @throws Error when there is no place */
  #keep(texts: readonly string[]): void {
    const { capacity = 10_000, context } = this.#options;
    const free = Math.max(0, capacity - this.#sender.records);
    const fits = this.#sender.bytes + bytesOf(texts) > MAX_MEMORY_BYTES ? [] : texts.slice(0, free);
    if (fits.length > 0) this.#sender.add(memoryParcel(fits, context.clock.now()));
    if (fits.length < texts.length) this.#refuse(texts.length - fits.length);
  }

  #refuse(records: number): never {
    this.#counts.drop("full", records);
    throw new Error(
      `the sink of ${this.#options.context.handler} is slow or down: ${records} records had no place and were dropped`,
    );
  }
}

export type { DeliveryMeter } from "./counts.ts";
export type { SharedQueue } from "./outbox.ts";
