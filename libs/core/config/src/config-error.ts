import { XebecError } from "@xebec/core-errors";

/** All errors of a service's configuration at once; each says which option, where it came from, what is wrong. */
export class ConfigError extends XebecError {
  readonly errors: readonly string[];

  constructor(service: string, errors: readonly string[]) {
    // One error is one line; several stand below each other.
    const end = errors.length === 1 ? " (--help lists the options)" : "\n  (--help lists the options)";
    super("invalid_argument", `${service}: ${errors.join("\n  ")}${end}`);
    this.errors = errors;
  }
}
