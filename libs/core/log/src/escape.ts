/**
 * Control characters, C1 and the escape among them, and what changes the direction of a text: on a terminal they do something
 * instead of being seen.
 */
const HIDDEN = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu;

/**
 * Makes control characters visible as `\\u001b`, but for line ends and tabs. For every text that somebody else may have written: a
 * proxy, a file, a request.
 */
export function escapeControls(text: string): string {
  return text.replace(HIDDEN, (each) => (each === "\n" || each === "\t" ? each : escaped(each)));
}

/** The same with line ends and tabs: for a text that is to be one line, or one cell. */
export function escapeLine(text: string): string {
  return text.replace(HIDDEN, escaped);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/**
 * Makes a stream of this process escape control characters of every text, whoever writes it. Bytes pass as they are: the output of
 * a program that is shown as it was written.
 */
export function escapeOutput(stream: NodeJS.WriteStream): void {
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  stream.write = (chunk: unknown, ...rest: unknown[]): boolean =>
    write(typeof chunk === "string" ? escapeControls(chunk) : chunk, ...rest);
}
