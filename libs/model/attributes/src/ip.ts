/**
 * Reads an IPv4 or IPv6 address.
 * @returns always 16 bytes (IPv4 in its mapped form), or undefined when the text is not an address
 */
export function parseIp(text: string): Uint8Array | undefined {
  if (!text.includes(":")) {
    const four = parseFour(text);
    return four && mapped(four);
  }
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = groups(halves[0] as string, halves.length === 1);
  const tail = halves.length === 2 ? groups(halves[1] as string, true) : [];
  if (!head || !tail) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const bytes = new Uint8Array(16);
  [...head, ...new Array<number>(missing).fill(0), ...tail].forEach((group, i) => {
    bytes[i * 2] = group >> 8;
    bytes[i * 2 + 1] = group & 255;
  });
  return bytes;
}

function parseFour(text: string): number[] | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part))) return undefined;
  const bytes = parts.map(Number);
  return bytes.every((byte) => byte < 256) ? bytes : undefined;
}

function mapped(four: readonly number[]): Uint8Array {
  return Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, ...four]);
}

function groups(text: string, last: boolean): number[] | undefined {
  if (text === "") return [];
  const out: number[] = [];
  const parts = text.split(":");
  for (const [i, part] of parts.entries()) {
    if (last && i === parts.length - 1 && part.includes(".")) {
      const four = parseFour(part) as [number, number, number, number] | undefined;
      if (!four) return undefined;
      out.push((four[0] << 8) | four[1], (four[2] << 8) | four[3]);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) out.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return out;
}

/** The offset of the IPv4 part, or -1 for IPv6: a mapped address counts as IPv4. */
function fourAt(bytes: Uint8Array): number {
  if (bytes.length === 4) return 0;
  if (bytes.length !== 16 || bytes[10] !== 255 || bytes[11] !== 255) return -1;
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return -1;
  return 12;
}

/** Writes 4 or 16 bytes as text (RFC 5952); other lengths as `?` and hexadecimal digits, nothing as `<nil>`, as Go does. */
export function formatIp(bytes: Uint8Array): string {
  const at = fourAt(bytes);
  if (at >= 0) return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
  if (bytes.length === 0) return "<nil>";
  if (bytes.length !== 16) return `?${Buffer.from(bytes).toString("hex")}`;
  const all = Array.from({ length: 8 }, (_, i) => ((bytes[i * 2] as number) << 8) | (bytes[i * 2 + 1] as number));
  let [start, length] = [-1, 1];
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && all[end] === 0) end++;
    if (end - i > length) [start, length] = [i, end - i];
    if (end > i) i = end;
  }
  const hex = (from: number, to: number): string =>
    all
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(":");
  return start < 0 ? hex(0, 8) : `${hex(0, start)}::${hex(start + length, 8)}`;
}

/** Says whether two addresses are the same; a mapped IPv4 address equals its 4-byte form. */
export function sameIp(a: Uint8Array, b: Uint8Array): boolean {
  const [x, y] = [fourAt(a), fourAt(b)];
  if (x >= 0 && y >= 0) {
    for (let i = 0; i < 4; i++) if (a[x + i] !== b[y + i]) return false;
    return true;
  }
  if (x !== y || a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
