import type { DeliveryCounts } from "@xebec/mixer-sdk";

/** What a service's metrics have of a delivery. */
export interface DeliveryMeter {
  count(what: "accepted" | "delivered" | "retried" | "dropped", records: number, why: string): void;
}

/** Counts what becomes of records. */
export class Counts implements Omit<DeliveryCounts, "waiting"> {
  readonly #meter: DeliveryMeter | undefined;
  accepted = 0;
  delivered = 0;
  retried = 0;
  readonly dropped: Record<string, number> = {};

  constructor(meter?: DeliveryMeter) {
    this.#meter = meter;
  }

  count(what: "accepted" | "delivered" | "retried", records: number): void {
    this[what] += records;
    this.#meter?.count(what, records, "");
  }

  drop(why: string, records: number): void {
    if (records === 0) return;
    this.dropped[why] = (this.dropped[why] ?? 0) + records;
    this.#meter?.count("dropped", records, why);
  }
}
