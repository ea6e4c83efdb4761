import { readFileSync } from "node:fs";
import { isXebecError } from "@xebec/core-errors";
import { readYaml, YamlFault } from "@xebec/core-yaml";
import { withoutUserinfo } from "./address.ts";
import { ConfigError } from "./config-error.ts";
import type { ConfigOf, ConfigSpec, Option } from "./define.ts";

export interface LoadedConfig<S extends ConfigSpec> {
  readonly config: ConfigOf<S>;
  /** The effective configuration for the log, secrets replaced. */
  readonly redacted: Readonly<Record<string, unknown>>;
}

const FILE_FLAG = "config-file";

/**
 * Reads a service's configuration: flags win over environment, environment over file, file over defaults.
 * @param argv the arguments after the service's name
 * @throws ConfigError with every fault found; nothing was opened by then
 */
export function loadConfig<S extends ConfigSpec>(
  spec: S,
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): LoadedConfig<S> {
  const faults: string[] = [];
  const flags = readFlags(spec, argv, faults);
  const file = readFile(flags.get(FILE_FLAG)?.at(-1), spec, faults);
  const values: Record<string, unknown> = {};
  for (const [name, each] of Object.entries(spec.options)) {
    const fromFlag = flags.get(name);
    const own = envName(spec.service, name);
    const variable =
      env[own] !== undefined ? own : each.env !== undefined && env[each.env] !== undefined ? each.env : undefined;
    let value: unknown = each.default;
    let source = "default";
    if (fromFlag) [value, source] = [convert(each, fromFlag), `--${name}`];
    else if (variable !== undefined) [value, source] = [convert(each, [env[variable] as string]), variable];
    else if (file !== undefined && name in file) [value, source] = [file[name], `file, "${name}"`];
    if (value !== undefined && !each.accepts(value))
      faults.push(`${source}: ${shown(each, value)} is not ${each.type}`);
    else {
      if (value !== undefined && source !== "default") {
        const fault = each.check?.(value);
        if (fault !== undefined)
          faults.push(`${source}: ${each.secret ? "the value is not what it should be" : fault}`);
      }
      if (each.read && typeof value === "string") value = understood(each.read, value, source, faults);
    }
    values[name] = value;
  }
  if (faults.length > 0) throw new ConfigError(spec.service, faults);
  const redacted = Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      spec.options[name]?.secret && value !== undefined ? "[redacted]" : printable(value),
    ]),
  );
  return { config: Object.freeze(values) as ConfigOf<S>, redacted };
}

function understood(read: (text: string) => string, text: string, source: string, faults: string[]): string {
  try {
    return read(text);
  } catch (error) {
    if (!isXebecError(error)) throw error;
    faults.push(`${source}: ${error.message}`);
    return text;
  }
}

/** The environment variable of an option: `XEBEC_PILOT_GRPC_ADDR` for pilot's `grpcAddr`. */
export function envName(service: string, option: string): string {
  const words = `${service}-${option}`.replace(/([a-z0-9])([A-Z])/g, "$1_$2").replace(/[^A-Za-z0-9]+/g, "_");
  return `XEBEC_${words.toUpperCase()}`;
}

function readFlags(spec: ConfigSpec, argv: readonly string[], faults: string[]): Map<string, string[]> {
  const flags = new Map<string, string[]>();
  for (let i = 0; i < argv.length; i++) {
    const text = argv[i] as string;
    const match = /^--([^=]+)(?:=(.*))?$/s.exec(text);
    if (!match) {
      faults.push(`"${text}": not a flag`);
      continue;
    }
    const name = match[1] as string;
    const known = Object.hasOwn(spec.options, name) ? spec.options[name] : undefined;
    if (!known && name !== FILE_FLAG) {
      faults.push(`--${name}: no such flag${suggestion(name, Object.keys(spec.options))}`);
      // What follows is most likely its value: one slip is one fault.
      if (match[2] === undefined && argv[i + 1]?.startsWith("--") === false) i++;
      continue;
    }
    let value = match[2];
    if (value === undefined) {
      const next = argv[i + 1];
      if (known?.kind === "boolean") value = next === "true" || next === "false" ? (argv[++i] as string) : "true";
      else if (next === undefined || next.startsWith("--")) {
        faults.push(`--${name}: needs a value`);
        continue;
      } else value = argv[++i] as string;
    }
    flags.set(name, [...(flags.get(name) ?? []), value]);
  }
  return flags;
}

function readFile(path: string | undefined, spec: ConfigSpec, faults: string[]): Record<string, unknown> | undefined {
  if (path === undefined) return undefined;
  let value: unknown;
  try {
    value = readYaml(readFileSync(path, "utf8"));
  } catch (error) {
    faults.push(`--${FILE_FLAG} ${path}: ${error instanceof YamlFault ? error.text : (error as Error).message}`);
    return undefined;
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    faults.push(`--${FILE_FLAG} ${path}: must be a map of options`);
    return undefined;
  }
  for (const key of Object.keys(value))
    if (!Object.hasOwn(spec.options, key))
      faults.push(`${path}: "${key}" is no option${suggestion(key, Object.keys(spec.options))}`);
  return value as Record<string, unknown>;
}

function convert(each: Option, texts: readonly string[]): unknown {
  const last = texts.at(-1) as string;
  if (each.kind === "list") return texts.flatMap((text) => text.split(",").filter(Boolean));
  if (each.kind === "number") return last.trim() === "" || Number.isNaN(Number(last)) ? last : Number(last);
  if (each.kind === "boolean") return last === "true" ? true : last === "false" ? false : last;
  return last;
}

function shown(each: Option, value: unknown): string {
  return each.secret ? "the value" : JSON.stringify(printable(value));
}

/** A value as it may be logged: an address may hold a user's password. */
function printable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(printable);
  return typeof value === "string" ? withoutUserinfo(value) : value;
}

function suggestion(name: string, known: readonly string[]): string {
  const plain = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, "");
  if (plain(name) === "") return "";
  const near =
    known.find((each) => plain(each) === plain(name)) ?? known.find((each) => plain(each).startsWith(plain(name)));
  return near ? `; did you mean --${near}?` : "";
}
