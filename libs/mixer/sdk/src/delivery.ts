/** What a delivery needs of its handler's context. */
export interface DeliveryContext {
  readonly handler: string;
  readonly clock: { now(): number; every(ms: number, work: () => void): () => void };
  readonly log: Readonly<Record<"debug" | "info" | "warn" | "error", (fields: object, message: string) => void>>;
  health(state: "ready" | "degraded" | "failing", why?: string): void;
}

/**
 * How records reach a remote sink. Records are plain JSON values: they may wait on the bus, and another replica may send them.
 */
export interface DeliveryOptions<R> {
  /** Of the handler: its name, clock and log, and where its health is said. */
  readonly context: DeliveryContext;
  readonly adapter: string;
  /** Tells apart what one handler sends by several deliveries. */
  readonly kind?: string;
  /**
   * Sends records, all or none. What it throws is tried again, `retryAfterMs` of the error later if it has one; a `RejectedError` is not:
   * then the records are halved until those are found that the sink does not take.
   */
  send(records: readonly R[], signal: AbortSignal): Promise<void>;
  /** Most records of one call of `send` (1000). */
  readonly maxRecords?: number;
  /** Most bytes, as JSON, of one call of `send` (1 MiB). */
  readonly maxBytes?: number;
  /** How long records gather before they are sent, in milliseconds (1000). */
  readonly intervalMs?: number;
  /** How long one call of `send` may take, in milliseconds (20 s). */
  readonly timeoutMs?: number;
  /** Most records that wait in the memory of the process (10,000). */
  readonly capacity?: number;
  /** A record that could not be sent for so long is dropped, in milliseconds (1 h). */
  readonly maxAgeMs?: number;
}

/** The way to one remote sink. */
export interface Delivery<R> {
  /**
   * Takes records over. Where there is a bus the promise resolves when it has stored them; otherwise they wait in memory, and there is
   * no promise.
   * @throws Error when some had no place: they are dropped, and counted
   */
  add(records: readonly R[]): void | Promise<void>;
  /** What was added, and what became of it: `accepted` is the sum of `delivered`, all of `dropped` and `waiting`. */
  readonly counts: DeliveryCounts;
  /** Sends what waits in memory, at most once, and ends. What waits on the bus stays there, for other replicas and the next start. */
  close(): Promise<void>;
}

export interface DeliveryCounts {
  readonly accepted: number;
  readonly delivered: number;
  /** Records that were sent once more, each time counted. */
  readonly retried: number;
  /** By reason: `full`, `too_large`, `rejected`, `expired`, `closed`. */
  readonly dropped: Readonly<Record<string, number>>;
  /** In the memory of this process. */
  readonly waiting: number;
}

/** Records that a sink will never take, however often they are sent. */
export class RejectedError extends Error {
  override readonly name = "RejectedError";
}

/** Opens ways to remote sinks; the services have one for all of their handlers. */
export type Deliver = <R>(options: DeliveryOptions<R>) => Delivery<R>;
