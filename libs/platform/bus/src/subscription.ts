/** Something that goes on until it is closed. */
export interface Subscription {
  close(): void;
}
