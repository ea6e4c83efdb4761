/** Why a text is not YAML that can be read. The message is for whoever wrote it: what is wrong, without the place. */
export class YamlError extends Error {
  /** Where, in characters from the beginning of the text. */
  readonly offset: number;
  /** From 1; set by whoever knows the lines. */
  line = 1;

  constructor(offset: number, message: string) {
    super(message);
    this.name = "YamlError";
    this.offset = offset;
  }

  /** The message with its line, for a text that is a file of its own or stands inside another object. */
  get text(): string {
    return `line ${this.line}: ${this.message}`;
  }
}
