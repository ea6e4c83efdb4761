/** Something that goes on until it is closed. */
export interface Subscription {
  close(): void;
}

/** Answers requests until it is closed. */
export interface Responder extends Subscription {
  /** Takes no more requests. @returns when the handler has those that were on their way already */
  drain(): Promise<void>;
}
