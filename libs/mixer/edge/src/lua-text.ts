/** A text as a literal of Lua: whatever is in it, it stays inside of the quotes. */
export function luaText(text: string): string {
  let out = "";
  for (const byte of Buffer.from(text, "utf8")) {
    const plain = byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c;
    out += plain ? String.fromCharCode(byte) : `\\${String(byte).padStart(3, "0")}`;
  }
  return `"${out}"`;
}

/** Bytes of an address, 4 or 16, as the digits by which scripts know addresses. */
export function addressDigits(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString("hex");
  return hex.length === 8 ? `00000000000000000000ffff${hex}` : hex;
}
