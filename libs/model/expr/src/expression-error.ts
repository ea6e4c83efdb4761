import { XebecError } from "@xebec/core-errors";

/** An error in the text of an expression, with its place. */
export class ExpressionError extends XebecError {
  /** Where the error begins, both from 1; columns count characters. */
  readonly line: number;
  readonly column: number;
  /** The error without its place. */
  readonly reason: string;

  constructor(text: string, offset: number, reason: string) {
    const before = text.slice(0, offset).split("\n");
    const column = [...(before.at(-1) as string)].length + 1;
    super("invalid_argument", `line ${before.length}, column ${column}: ${reason}`);
    this.line = before.length;
    this.column = column;
    this.reason = reason;
  }
}

/**
 * An evaluation that failed: an attribute that is absent, a string that is not an address. Without a stack: rules fail on
 * absent attributes all the time.
 */
export class EvaluationError extends XebecError {
  constructor(reason: string) {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super("invalid_argument", reason);
    Error.stackTraceLimit = limit;
  }
}
