/** Records, as JSON texts, that were added together and have one fate. */
export interface Parcel {
  readonly records: readonly string[];
  readonly bytes: number;
  /** When they were added, in milliseconds since 1970 UTC. */
  readonly addedAt: number;
  /** Called once: nobody needs to keep them any more. */
  done(): void;
  /** Called instead when this process ends before they are sent. @returns whether somebody else keeps them */
  giveBack(): boolean;
}

/** A parcel of the memory of this process: it has no other place. */
export function memoryParcel(records: readonly string[], addedAt: number): Parcel {
  return { records, bytes: bytesOf(records), addedAt, done: () => undefined, giveBack: () => false };
}

export function bytesOf(records: readonly string[]): number {
  let bytes = 0;
  for (const each of records) bytes += each.length;
  return bytes;
}
