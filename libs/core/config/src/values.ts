import { isXebecError } from "@xebec/core-errors";
import { withoutUserinfo } from "./address.ts";
import { ConfigError } from "./config-error.ts";
import type { ConfigOf, ConfigSpec, ConfigValues, Option } from "./define.ts";

/** A value that was given for an option, and where it came from, as messages name it. */
export interface GivenValue {
  readonly value: unknown;
  readonly source: string;
}

/**
 * The configuration of a service from typed values, for whoever starts it in its own process.
 * @throws ConfigError with every value that its option does not accept
 */
export function configOf<S extends ConfigSpec>(spec: S, values: ConfigValues<S>): ConfigOf<S> {
  const errors = Object.keys(values)
    .filter((name) => !Object.hasOwn(spec.options, name))
    .map((name) => `"${name}" is not an option`);
  const given = values as Readonly<Record<string, unknown>>;
  return checkedConfig(
    spec,
    (name) => (given[name] === undefined ? undefined : { value: given[name], source: `"${name}"` }),
    errors,
  );
}

/**
 * Checks the values of all options, and completes them with the defaults.
 * @param errors what was wrong before
 * @throws ConfigError with every error
 */
export function checkedConfig<S extends ConfigSpec>(
  spec: S,
  givenFor: (name: string, option: Option) => GivenValue | undefined,
  errors: string[],
): ConfigOf<S> {
  const values: Record<string, unknown> = {};
  for (const [name, each] of Object.entries(spec.options)) {
    const given = givenFor(name, each);
    let value = given ? given.value : each.default;
    const source = given?.source ?? "default";
    if (value !== undefined && !each.accepts(value))
      errors.push(`${source}: ${shown(each, value)} is not ${each.type}`);
    else {
      const error = given && value !== undefined ? each.check?.(value) : undefined;
      if (error !== undefined) errors.push(`${source}: ${each.secret ? "the value is not what it should be" : error}`);
      if (each.read && typeof value === "string") value = understood(each.read, value, source, errors);
    }
    values[name] = value;
  }
  if (errors.length > 0) throw new ConfigError(spec.service, errors);
  return Object.freeze(values) as ConfigOf<S>;
}

/** The effective configuration for the log, secrets replaced. */
export function redactedConfig<S extends ConfigSpec>(spec: S, config: ConfigOf<S>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(config).map(([name, value]) => [
      name,
      spec.options[name]?.secret && value !== undefined ? "[redacted]" : printable(value),
    ]),
  );
}

function understood(read: (text: string) => string, text: string, source: string, errors: string[]): string {
  try {
    return read(text);
  } catch (error) {
    if (!isXebecError(error)) throw error;
    errors.push(`${source}: ${error.message}`);
    return text;
  }
}

function shown(each: Option, value: unknown): string {
  return each.secret ? "the value" : JSON.stringify(printable(value));
}

/** A value as it may be logged: an address may hold a user's password. */
function printable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(printable);
  return typeof value === "string" ? withoutUserinfo(value) : value;
}
