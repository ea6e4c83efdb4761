import { isXebecError } from "@xebec/core-errors";
import { applyLogLevels, escapeControls, logger, redactText } from "@xebec/core-log";
import { ConfigError } from "./config-error.ts";
import type { ConfigOf, ConfigSpec } from "./define.ts";
import { helpText } from "./help.ts";
import { loadConfig } from "./load.ts";

/** Exit code for a usage or configuration error. */
const EXIT_CONFIG = 2;

/**
 * The configuration of a process: answers `--help`, ends the process with one clear message when something is wrong, sets
 * the log levels, and logs the effective values, secrets left out.
 * @param check finds what no single option shows, and gets the arguments that are not flags; throws XebecError invalid_argument
 */
export function mainConfig<S extends ConfigSpec>(
  spec: S,
  argv: readonly string[] = process.argv.slice(2),
  check: (config: ConfigOf<S>, positional: readonly string[]) => void = () => undefined,
): ConfigOf<S> {
  if (argv.includes("--help") || argv.includes("-h")) {
    process.stdout.write(helpText(spec));
    process.exit(0);
  }
  try {
    const { config, redacted, ignored, positional } = loadConfig(spec, argv, process.env);
    const levels = (config as { readonly log_output_level?: unknown }).log_output_level;
    const errors = typeof levels === "string" ? applyLogLevels(levels) : [];
    if (errors.length > 0) throw new ConfigError(spec.service, errors);
    check(config, positional);
    const log = logger("config");
    if (ignored.length > 0) log.warn({ flags: ignored }, "flags that have no effect here");
    log.info({ config: redacted }, `${spec.service} starts`);
    return config;
  } catch (error) {
    if (!isXebecError(error) || error.code !== "invalid_argument") throw error;
    const text = `${error instanceof ConfigError ? "" : `${spec.service}: `}${error.message}\n`;
    process.stderr.write(escapeControls(redactText(text)));
    process.exit(EXIT_CONFIG);
  }
}
