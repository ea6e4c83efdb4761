import { BinaryReader, type WireType } from "@bufbuild/protobuf/wire";

/** Reads a field of a message. @returns false for a field that it does not read: it is passed over */
export type Visit = (number: number, reader: BinaryReader, wireType: WireType) => boolean;

/** Calls `visit` for each field of a message. @throws RangeError for bytes that are none */
export function readFields(bytes: Uint8Array, visit: Visit): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (!visit(number, reader, wireType)) reader.skip(wireType, number);
  }
}

/** An entry of a `map<string, string>`. */
export function entryOf(bytes: Uint8Array): [string, string] {
  const entry: [string, string] = ["", ""];
  readFields(bytes, (number, reader) => {
    if (number !== 1 && number !== 2) return false;
    entry[number - 1] = reader.string();
    return true;
  });
  return entry;
}

/** What google.protobuf.Duration and Timestamp hold. */
export function secondsAndNanos(bytes: Uint8Array): [bigint, number] {
  let [seconds, nanos] = [0n, 0];
  readFields(bytes, (number, reader) => {
    if (number === 1) seconds = BigInt(reader.int64());
    else if (number === 2) nanos = reader.int32();
    else return false;
    return true;
  });
  return [seconds, nanos];
}
