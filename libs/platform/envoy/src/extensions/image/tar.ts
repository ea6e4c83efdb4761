const BLOCK = 512;
const REGULAR = new Set(["0", "\0"]);

/**
 * Finds a file in a tar archive by its base name.
 * @returns its bytes; undefined when it is not there, or the archive ends within it
 */
export function fileInTar(archive: Buffer, baseName: string): Buffer | undefined {
  for (let at = 0; at + BLOCK <= archive.length; ) {
    const header = archive.subarray(at, at + BLOCK);
    const name = textAt(header, 0, 100);
    if (name === "") return undefined;
    const size = Number.parseInt(textAt(header, 124, 12).trim() || "0", 8);
    if (!Number.isSafeInteger(size) || size < 0) return undefined;
    const from = at + BLOCK;
    const type = header.toString("latin1", 156, 157);
    if (REGULAR.has(type) && name.split("/").at(-1) === baseName)
      return from + size <= archive.length ? archive.subarray(from, from + size) : undefined;
    at = from + Math.ceil(size / BLOCK) * BLOCK;
  }
  return undefined;
}

function textAt(header: Buffer, from: number, length: number): string {
  return header.toString("utf8", from, from + length).replace(/\0.*$/s, "");
}
