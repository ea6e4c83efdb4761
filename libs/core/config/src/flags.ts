import type { ConfigSpec, IgnoredFlag } from "./define.ts";

/** The flag that names a file with further options. */
export const FILE_FLAG = "config-file";

/** A command line taken apart. */
export interface Flags {
  /** The texts that were given for each option, by its own name. */
  readonly values: ReadonlyMap<string, readonly string[]>;
  readonly positional: readonly string[];
  /** Flags that were accepted without effect, as they were written. */
  readonly ignored: readonly string[];
}

/** Who has more options than this reads `--help`. */
const MOST_LISTED = 5;

/**
 * Takes a command line apart.
 * @param errors gets what is wrong
 */
export function readFlags(spec: ConfigSpec, argv: readonly string[], errors: string[]): Flags {
  const values = new Map<string, string[]>();
  const positional: string[] = [];
  const ignored: string[] = [];
  const most = spec.positional?.length ?? 0;
  let i = spec.subcommand !== undefined && argv[0] === spec.subcommand ? 1 : 0;
  for (; i < argv.length; i++) {
    const text = argv[i] as string;
    const match = /^(?:--([^=]+)|-([A-Za-z]))(?:=(.*))?$/s.exec(text);
    const name = match && optionName(spec, match[1], match[2]);
    if (!match || !name) {
      if (!text.startsWith("-") && positional.length < most) positional.push(text);
      else errors.push(`"${text}": not a flag`);
      continue;
    }
    const inline = match[3];
    const next = argv[i + 1];
    const option = Object.hasOwn(spec.options, name) ? spec.options[name] : undefined;
    if (!option && name !== FILE_FLAG) {
      const kind = ignoredAs(spec, name);
      if (kind) ignored.push(`--${name}`);
      else errors.push(`--${name}: no such flag${suggestion(name, Object.keys(spec.options)) || all(spec)}`);
      if (inline === undefined && belongsTo(kind, next)) i++;
      continue;
    }
    let value = inline;
    if (value === undefined && option?.kind === "boolean") {
      value = next === "true" || next === "false" ? next : "true";
      if (value === next) i++;
    } else if (value === undefined && next !== undefined && !next.startsWith("--")) {
      value = next;
      i++;
    }
    if (value === undefined) errors.push(`--${name}: needs a value`);
    else values.set(name, [...(values.get(name) ?? []), value]);
  }
  return { values, positional, ignored };
}

/** The name of an option as the specification has it; undefined for a letter that stands for none. */
function optionName(
  { aliases = {} }: ConfigSpec,
  long: string | undefined,
  letter: string | undefined,
): string | undefined {
  const written = long ?? letter ?? "";
  const isAlias = Object.hasOwn(aliases, written) && (long === undefined || long.length > 1);
  return isAlias ? aliases[written] : long;
}

type IgnoredAs = IgnoredFlag | "unknown" | undefined;

function ignoredAs({ ignored = {}, ignoresUnknown }: ConfigSpec, name: string): IgnoredAs {
  if (Object.hasOwn(ignored, name)) return ignored[name];
  return ignoresUnknown ? "unknown" : undefined;
}

/** True when an argument is the value of a flag before it that has no effect. Of a flag that nobody knows it most likely is. */
function belongsTo(kind: IgnoredAs, next: string | undefined): boolean {
  if (next === undefined) return false;
  switch (kind) {
    case "value":
      return true;
    case "switch":
      return next === "true" || next === "false";
    case "unknown":
      return !next.startsWith("-");
    default:
      return !next.startsWith("--");
  }
}

/** All flags, where there are few. */
function all({ options }: ConfigSpec): string {
  const names = Object.keys(options);
  return names.length <= MOST_LISTED ? `; there are --${names.join(", --")}` : "";
}

/** The option that was most likely meant. */
export function suggestion(name: string, known: readonly string[]): string {
  const plain = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, "");
  if (plain(name) === "") return "";
  const near =
    known.find((each) => plain(each) === plain(name)) ?? known.find((each) => plain(each).startsWith(plain(name)));
  return near ? `; did you mean --${near}?` : "";
}
