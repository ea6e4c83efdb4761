import { isXebecError } from "@xebec/core-errors";
import { escapeControls, logger, redactText } from "@xebec/core-log";

/** Exit code for a usage or configuration error; nothing was started. */
export const EXIT_CONFIG = 2;
/** Exit code for a start that failed, for example a port that is taken. */
export const EXIT_FAILED_START = 1;

/**
 * Says in one line why a service could not start. A message that was written for its reader needs no stack; an error that
 * nobody named is logged with it.
 * @returns the exit code
 */
export function failedStart(name: string, error: unknown): number {
  const known = isXebecError(error);
  logger(name)[known ? "debug" : "fatal"]({ err: error }, `${name} could not start`);
  const text = error instanceof Error ? error.message : String(error);
  // A port of the service may have its name.
  const line = text.startsWith(`${name}: `) ? text : `${name}: ${text}`;
  process.stderr.write(`${escapeControls(redactText(line))}\n`);
  return known && error.code === "invalid_argument" ? EXIT_CONFIG : EXIT_FAILED_START;
}
