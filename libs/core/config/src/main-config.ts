import { applyLogLevels, logger } from "@xebec/core-log";
import { ConfigError } from "./config-error.ts";
import type { ConfigOf, ConfigSpec } from "./define.ts";
import { helpText } from "./help.ts";
import { loadConfig } from "./load.ts";

/** Exit code for a usage or configuration error. */
const EXIT_CONFIG = 2;

/**
 * The configuration of a process: answers `--help`, ends the process with one clear message when something is wrong, sets
 * the log levels, and logs the effective values, secrets left out.
 */
export function mainConfig<S extends ConfigSpec>(
  spec: S,
  argv: readonly string[] = process.argv.slice(2),
): ConfigOf<S> {
  if (argv.includes("--help") || argv.includes("-h")) {
    process.stdout.write(helpText(spec));
    process.exit(0);
  }
  try {
    const { config, redacted } = loadConfig(spec, argv, process.env);
    const levels = (config as { readonly log_output_level?: unknown }).log_output_level;
    const faults = typeof levels === "string" ? applyLogLevels(levels) : [];
    if (faults.length > 0) throw new ConfigError(spec.service, faults);
    logger("config").info({ config: redacted }, `${spec.service} starts`);
    return config;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(EXIT_CONFIG);
  }
}
