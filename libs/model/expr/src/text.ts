/**
 * Orders strings by their UTF-8 bytes, as Go does. JavaScript's own order differs where one has a character beyond U+FFFF.
 * @returns negative, zero or positive
 */
export function compareBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** Surrogates stand for characters above all others. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit;
}

/**
 * A test for `match`: a final star means a prefix, else a star in front a suffix, else equality (docs/reference/mixer.md §4.3).
 */
export function globTest(pattern: string): (text: string) => boolean {
  if (pattern.endsWith("*")) {
    const prefix = pattern.slice(0, -1);
    return (text) => text.startsWith(prefix);
  }
  if (pattern.startsWith("*")) {
    const suffix = pattern.slice(1);
    return (text) => text.endsWith(suffix);
  }
  return (text) => text === pattern;
}

/** The lower case of each character by itself, as in Go: JavaScript looks at the neighbours of a Greek sigma. */
export function toLower(text: string): string {
  const folded = text.toLowerCase();
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII
  if (/^[\x00-\x7f]*$/.test(text)) return folded;
  return Array.from(text, (character) => String.fromCodePoint(character.toLowerCase().codePointAt(0) as number)).join(
    "",
  );
}
