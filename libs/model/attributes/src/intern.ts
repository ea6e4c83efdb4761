/** Longer strings are mostly unique (paths, ids): keeping them would only push out the others. */
const LONGEST = 64;
const SIZE = 8192;
const table: string[] = new Array<string>(SIZE).fill("");

/**
 * The text of short ASCII bytes from a direct-mapped table of bounded size: workload names, methods and header values come
 * again and again, and one copy of each makes comparing and hashing them cheap.
 * @returns undefined when the bytes are not ASCII or too many
 */
export function internAscii(bytes: Buffer, start: number, end: number): string | undefined {
  const length = end - start;
  if (length > LONGEST) return undefined;
  let hash = length;
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number;
    if (byte > 127) return undefined;
    hash = (Math.imul(hash, 31) + byte) | 0;
  }
  const slot = (hash ^ (hash >>> 13)) & (SIZE - 1);
  const known = table[slot] as string;
  if (known.length === length) {
    let i = 0;
    while (i < length && known.charCodeAt(i) === bytes[start + i]) i++;
    if (i === length) return known;
  }
  const text = bytes.toString("latin1", start, end);
  table[slot] = text;
  return text;
}
