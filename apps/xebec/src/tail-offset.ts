import { closeSync, fstatSync, openSync, readSync } from "node:fs";

const CHUNK = 64 << 10;
const NEWLINE = 10;

/** Where the last lines of a file begin, in bytes. It is read from its end: logs are long. */
export function tailOffset(path: string, lines: number): number {
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    if (lines === 0) return size;
    const buffer = Buffer.allocUnsafe(CHUNK);
    let found = 0;
    for (let end = size; end > 0; ) {
      const from = Math.max(0, end - CHUNK);
      const count = readSync(file, buffer, 0, end - from, from);
      for (let i = count - 1; i >= 0; i--) {
        // The newline at the very end belongs to the last line.
        if (buffer[i] !== NEWLINE || from + i === size - 1) continue;
        if (++found === lines) return from + i + 1;
      }
      end = from;
    }
    return 0;
  } finally {
    closeSync(file);
  }
}
