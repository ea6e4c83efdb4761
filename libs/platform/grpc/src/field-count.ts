import { XebecError } from "@xebec/core-errors";

/**
 * Counts the fields of a protobuf message without decoding it (protobuf.dev, "Encoding"). A message of some hundred kilobytes may have
 * some hundred thousand fields, and decoding them would hold up everybody else.
 * @param bytes a message; what is no protobuf is left to its decoder
 * @param most fields that it may have at its top
 * @throws XebecError resource_exhausted when it has more
 */
export function checkFields(bytes: Uint8Array, most: number): void {
  // A field has a tag and a byte at least.
  if (bytes.length <= 2 * most) return;
  let count = 0;
  for (let pos = 0; pos < bytes.length; ) {
    if (++count > most)
      throw new XebecError("resource_exhausted", `a message may have ${most} fields; this one has more`);
    const wireType = (bytes[pos] as number) & 7;
    pos = afterVarint(bytes, pos);
    if (wireType === 2) {
      let length = 0;
      const end = afterVarint(bytes, pos);
      for (let i = 0; pos + i < end; i++) length += ((bytes[pos + i] ?? 0) & 127) * 2 ** (7 * i);
      pos = end + length;
    } else if (wireType === 0) pos = afterVarint(bytes, pos);
    else if (wireType === 1 || wireType === 5) pos += wireType === 1 ? 8 : 4;
    else return;
  }
}

function afterVarint(bytes: Uint8Array, start: number): number {
  let pos = start;
  while ((bytes[pos] ?? 0) > 127) pos++;
  return pos + 1;
}
