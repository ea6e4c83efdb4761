import { readFileSync } from "node:fs";
import { readYaml, YamlError } from "@xebec/core-yaml";
import type { ConfigOf, ConfigSpec, Option } from "./define.ts";
import { FILE_FLAG, readFlags, suggestion } from "./flags.ts";
import { checkedConfig, type GivenValue, redactedConfig } from "./values.ts";

export interface LoadedConfig<S extends ConfigSpec> {
  readonly config: ConfigOf<S>;
  /** The effective configuration for the log, secrets replaced. */
  readonly redacted: Readonly<Record<string, unknown>>;
  /** The arguments that are not flags; at most as many as the specification names. */
  readonly positional: readonly string[];
  /** Flags, and keys of the file, that were accepted without effect, as they were written. */
  readonly ignored: readonly string[];
}

/**
 * Reads a service's configuration: flags win over environment, environment over file, file over defaults.
 * @param argv the arguments after the service's name
 * @throws ConfigError with every error found; nothing was opened by then
 */
export function loadConfig<S extends ConfigSpec>(
  spec: S,
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): LoadedConfig<S> {
  const errors: string[] = [];
  const { values, positional, ignored } = readFlags(spec, argv, errors);
  const file = readFile(values.get(FILE_FLAG)?.at(-1), spec, errors);
  const ignoredKeys = Object.keys(file ?? {}).filter((key) => Object.hasOwn(spec.ignored ?? {}, key));
  const givenFor = (name: string, each: Option): GivenValue | undefined => {
    const fromFlag = values.get(name);
    if (fromFlag) return { value: convert(each, fromFlag), source: `--${name}` };
    const variable = [envName(spec.service, name), each.env].find((key) => key !== undefined && env[key] !== undefined);
    if (variable !== undefined) return { value: convert(each, [env[variable] as string]), source: variable };
    return file && Object.hasOwn(file, name) ? { value: file[name], source: `file, "${name}"` } : undefined;
  };
  const config = checkedConfig(spec, givenFor, errors);
  return { config, redacted: redactedConfig(spec, config), positional, ignored: [...ignored, ...ignoredKeys] };
}

/** The environment variable of an option: `XEBEC_PILOT_GRPC_ADDR` for pilot's `grpcAddr`. */
export function envName(service: string, option: string): string {
  const words = `${service}-${option}`.replace(/([a-z0-9])([A-Z])/g, "$1_$2").replace(/[^A-Za-z0-9]+/g, "_");
  return `XEBEC_${words.toUpperCase()}`;
}

function readFile(path: string | undefined, spec: ConfigSpec, errors: string[]): Record<string, unknown> | undefined {
  if (path === undefined) return undefined;
  let value: unknown;
  try {
    value = readYaml(readFileSync(path, "utf8"));
  } catch (error) {
    errors.push(`--${FILE_FLAG} ${path}: ${error instanceof YamlError ? error.text : (error as Error).message}`);
    return undefined;
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    errors.push(`--${FILE_FLAG} ${path}: must be a map of options`);
    return undefined;
  }
  for (const key of Object.keys(value))
    if (!Object.hasOwn(spec.options, key) && !Object.hasOwn(spec.ignored ?? {}, key))
      errors.push(`${path}: "${key}" is not an option${suggestion(key, Object.keys(spec.options))}`);
  return value as Record<string, unknown>;
}

function convert(each: Option, texts: readonly string[]): unknown {
  const last = texts.at(-1) as string;
  if (each.kind === "list") return texts.flatMap((text) => text.split(",").filter(Boolean));
  if (each.kind === "number") return last.trim() === "" || Number.isNaN(Number(last)) ? last : Number(last);
  if (each.kind === "boolean") return last === "true" ? true : last === "false" ? false : last;
  return last;
}
