import { areServers, type Check, isAddress, isAddressOrEmpty, isDirectory } from "./checks.ts";

/** One option of a service. Its flag is its key, exactly as Istio spells it. */
export interface Option {
  readonly help: string;
  /** What its values are, for the message when one is not: `a number`. */
  readonly type: string;
  /** Says whether a value, converted from its text, is of that type. */
  readonly accepts: (value: unknown) => boolean;
  /** Absent: the option may be left out and is undefined. */
  readonly default?: unknown;
  /** A further environment variable (Istio's name), beside `XEBEC_<SERVICE>_<OPTION>`. */
  readonly env?: string;
  /** True: its value is never printed. */
  readonly secret?: boolean;
  /** Takes a text apart that is more than a text: returns it as it is used. Throws XebecError invalid_argument. */
  readonly read?: (text: string) => string;
  readonly kind: "string" | "number" | "boolean" | "list";
  /** What the type does not show; asked for every value but the default. */
  readonly check?: Check;
}

type Extra = Pick<Option, "env" | "secret" | "read" | "check">;

// Checked by hand: a schema library costs every process some 5 MiB.
type ValueType = Pick<Option, "type" | "accepts">;
const TEXT: ValueType = { type: "a string", accepts: (value) => typeof value === "string" };
const NUMBER: ValueType = { type: "a number", accepts: Number.isFinite };
const PORT: ValueType = {
  type: "a port from 0 to 65535",
  accepts: (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 65_535,
};
const BOOLEAN: ValueType = { type: "a boolean", accepts: (value) => typeof value === "boolean" };
const LIST: ValueType = {
  type: "a list of strings",
  accepts: (value) => Array.isArray(value) && value.every((each) => typeof each === "string"),
};

/** Makes options; each takes the help text and the default. */
export const option = {
  string: <D extends string | undefined = undefined>(help: string, value?: D, extra: Extra = {}) =>
    make("string", TEXT, help, value, extra) as Option & Valued<D extends string ? string : string | undefined>,
  number: <D extends number | undefined = undefined>(help: string, value?: D, extra: Extra = {}) =>
    make("number", NUMBER, help, value, extra) as Option & Valued<D extends number ? number : number | undefined>,
  /** A TCP port; 0 lets the system choose. */
  port: <D extends number | undefined = undefined>(help: string, value?: D, extra: Extra = {}) =>
    make("number", PORT, help, value, extra) as Option & Valued<D extends number ? number : number | undefined>,
  /** `HOST:PORT`. */
  address: <D extends string | undefined = undefined>(help: string, value?: D, extra: Extra = {}) =>
    option.string(help, value, { check: isAddress, ...extra }),
  /** `HOST:PORT`; empty for a port that is not wanted. */
  addressOrNone: (help: string, value: string, extra: Extra = {}) =>
    option.string(help, value, { check: isAddressOrEmpty, ...extra }),
  /** A directory that must be there. */
  directory: (help: string, extra: Extra = {}) => option.string(help, undefined, { check: isDirectory, ...extra }),
  /** NATS servers, `nats://HOST:PORT`. */
  servers: (help: string, extra: Extra = {}) => option.list(help, [], { check: areServers, ...extra }),
  boolean: (help: string, value = false, extra: Extra = {}) =>
    make("boolean", BOOLEAN, help, value, extra) as Option & Valued<boolean>,
  /** A flag that may be repeated or hold commas. */
  list: (help: string, value: readonly string[] = [], extra: Extra = {}) =>
    make("list", LIST, help, value, extra) as Option & Valued<readonly string[]>,
  oneOf: <const V extends readonly string[]>(help: string, values: V, value: V[number], extra: Extra = {}) =>
    make(
      "string",
      { type: `one of ${values.join(", ")}`, accepts: (given) => values.some((each) => each === given) },
      `${help} (${values.join(", ")})`,
      value,
      extra,
    ) as Option & Valued<V[number]>,
};

interface Valued<V> {
  // In an object, since the type of an optional property loses its `undefined` when it is inferred.
  readonly __value?: { readonly type: V };
}

function make(kind: Option["kind"], type: ValueType, help: string, value: unknown, extra: Extra): Option {
  return { kind, ...type, help, ...(value === undefined ? {} : { default: value }), ...extra };
}

export type Options = Readonly<Record<string, Option>>;

/** A flag without effect: `switch` for one that may stand without a value. */
export type IgnoredFlag = "value" | "switch";

export interface ConfigSpec<O extends Options = Options> {
  /** The service's name as typed: `pilot`, `mixer-policy`. */
  readonly service: string;
  /** One line for `--help`. */
  readonly summary: string;
  readonly options: O;
  /** A subcommand of Istio's that may stand before the flags. */
  readonly subcommand?: string;
  /** Names of the arguments that are not flags, in their order; all may be left out. None by default. */
  readonly positional?: readonly string[];
  /** Istio's other names of options. One letter is a flag with one dash: `n` is `-n`. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** Istio's flags that change nothing here: accepted, and reported. */
  readonly ignored?: Readonly<Record<string, IgnoredFlag>>;
  /** True: flags that nobody knows are ignored, too. Istio's agent does so, for templates of other versions. */
  readonly ignoresUnknown?: boolean;
}

/** The values that a specification yields. */
export type ConfigOf<S extends ConfigSpec> = {
  readonly [K in keyof S["options"]]: S["options"][K] extends Valued<infer V> ? V : unknown;
};

/** Values for some options of a specification; the others, and those that are undefined, have their defaults. */
export type ConfigValues<S extends ConfigSpec> = {
  readonly [K in keyof ConfigOf<S>]?: ConfigOf<S>[K] | undefined;
};

/** Declares the configuration of a service: flags, environment, file and help come from this one place. */
export function defineConfig<const O extends Options>(spec: ConfigSpec<O>): ConfigSpec<O> {
  return spec;
}
