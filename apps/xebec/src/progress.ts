/** A line per step that counts up: rewritten in place on a terminal, a line for each change elsewhere. */
export class Progress {
  readonly #stream: Pick<NodeJS.WriteStream, "write" | "isTTY">;
  readonly #shown = new Map<string, string>();
  #open = "";

  constructor(stream: Pick<NodeJS.WriteStream, "write" | "isTTY">) {
    this.#stream = stream;
  }

  show(step: string, done: number, of: number): void {
    const text = `${step} ${done}/${of}`;
    if (this.#shown.get(step) === text) return;
    this.#shown.set(step, text);
    if (!this.#stream.isTTY) {
      this.#stream.write(`${text}\n`);
      return;
    }
    if (this.#open !== step) this.finish();
    // As bytes: what controls the terminal is escaped in texts.
    this.#stream.write(Buffer.from(`\r${text}\u001b[K`));
    this.#open = step;
  }

  /** Ends a line that was begun. */
  finish(): void {
    if (this.#open) this.#stream.write("\n");
    this.#open = "";
  }
}
