/** One message stream in each direction, as bytes. Each `on…` holds one handler; setting it again replaces it. */
export interface RawStream {
  /**
   * Queues a message. A large one is not copied before it is sent: the bytes must not change afterwards.
   * @param handed called once the bytes were handed to the connection; not when the stream ends before
   * @returns false when the queue is above its mark (1 MiB): wait for `onDrain` before writing more
   */
  write(bytes: Uint8Array, handed?: () => void): boolean;
  /**
   * Has the messages that are written from now on compressed, provided that the caller reads gzip, or not any more. What an answer
   * is compressed with is said at its beginning: the first call has to come before the first `write`.
   */
  compress(on: boolean): void;
  /** Bytes written and not yet handed to the connection. */
  readonly queuedBytes: number;
  /** True once the stream is over; writes are ignored. */
  readonly closed: boolean;
  /** Called when the queue has fallen below half its mark after a `write` that returned false. */
  onDrain(handler: () => void): void;
  /** Called per message; reading starts with this call. A handler that throws fails the stream. */
  onMessage(handler: (bytes: Buffer, compressed?: boolean) => void): void;
  /** Called once when no further message will come: the peer ended its side, or the stream broke. */
  onEnd(handler: () => void): void;
  /** Called once when the stream is over in both directions, however that came. */
  onClose(handler: () => void): void;
  /** Stops reading, so that the peer's writes wait. */
  pause(): void;
  resume(): void;
  /** Ends the stream with status OK after what was queued. */
  end(): void;
  /** Ends the stream with an error status after what was queued. */
  fail(error: unknown): void;
  /** Ends the stream at once, with a reset; what was queued is dropped: for a peer that does not read. */
  abort(): void;
}
