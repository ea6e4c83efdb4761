import { XebecError } from "@xebec/core-errors";

/** What is wrong with a template, or with what it does. */
export class TemplateError extends XebecError {
  /** What it is, without its place. */
  readonly text: string;
  /** Where in the template, from 1; 0 while it is not known. */
  readonly line: number;

  constructor(text: string, line = 0) {
    super("invalid_argument", line > 0 ? `line ${line}: ${text}` : text);
    this.text = text;
    this.line = line;
  }
}
