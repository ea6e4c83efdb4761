import { XebecError } from "@xebec/core-errors";

/** All faults of a service's configuration at once; each says which option, where it came from, what is wrong. */
export class ConfigError extends XebecError {
  readonly faults: readonly string[];

  constructor(service: string, faults: readonly string[]) {
    // One fault is one line; several stand below each other.
    const end = faults.length === 1 ? " (--help lists the options)" : "\n  (--help lists the options)";
    super("invalid_argument", `${service}: ${faults.join("\n  ")}${end}`);
    this.faults = faults;
  }
}
