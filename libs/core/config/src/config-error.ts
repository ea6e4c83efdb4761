import { XebecError } from "@xebec/core-errors";

/** All faults of a service's configuration at once; each says which option, where it came from, what is wrong. */
export class ConfigError extends XebecError {
  readonly faults: readonly string[];

  constructor(service: string, faults: readonly string[]) {
    super("invalid_argument", `${service}: ${faults.join("\n  ")}\n  (--help lists the options)`);
    this.faults = faults;
  }
}
