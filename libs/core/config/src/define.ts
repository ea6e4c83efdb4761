import { type Static, type TSchema, Type } from "typebox";
import { areServers, type Check, isAddress, isAddressOrEmpty, isDirectory } from "./checks.ts";

/** One option of a service. Its flag is its key, exactly as Istio spells it. */
export interface Option<T extends TSchema = TSchema> {
  readonly schema: T;
  readonly help: string;
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

/** Makes options; each takes the help text and the default. */
export const option = {
  string: <D extends string | undefined = undefined>(help: string, value?: D, extra: Extra = {}) =>
    make("string", Type.String(), help, value, extra) as Option &
      Valued<D extends string ? string : string | undefined>,
  number: <D extends number | undefined = undefined>(help: string, value?: D, extra: Extra = {}) =>
    make("number", Type.Number(), help, value, extra) as Option &
      Valued<D extends number ? number : number | undefined>,
  /** A TCP port; 0 lets the system choose. */
  port: <D extends number | undefined = undefined>(help: string, value?: D, extra: Extra = {}) =>
    make("number", Type.Integer({ minimum: 0, maximum: 65_535 }), help, value, extra) as Option &
      Valued<D extends number ? number : number | undefined>,
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
    make("boolean", Type.Boolean(), help, value, extra) as Option & Valued<boolean>,
  /** A flag that may be repeated or hold commas. */
  list: (help: string, value: readonly string[] = [], extra: Extra = {}) =>
    make("list", Type.Array(Type.String()), help, value, extra) as Option & Valued<readonly string[]>,
  oneOf: <const V extends readonly string[]>(help: string, values: V, value: V[number], extra: Extra = {}) =>
    make(
      "string",
      Type.Union(values.map((each) => Type.Literal(each))),
      `${help} (${values.join(", ")})`,
      value,
      extra,
    ) as Option & Valued<V[number]>,
};

interface Valued<V> {
  readonly __value?: V;
}

function make(kind: Option["kind"], schema: TSchema, help: string, value: unknown, extra: Extra): Option {
  return { kind, schema, help, ...(value === undefined ? {} : { default: value }), ...extra };
}

export type Options = Readonly<Record<string, Option>>;

export interface ConfigSpec<O extends Options = Options> {
  /** The service's name as typed: `pilot`, `mixer-policy`. */
  readonly service: string;
  /** One line for `--help`. */
  readonly summary: string;
  readonly options: O;
}

/** The values that a specification yields. */
export type ConfigOf<S extends ConfigSpec> = {
  readonly [K in keyof S["options"]]: S["options"][K] extends Valued<infer V> ? V : Static<S["options"][K]["schema"]>;
};

/** Declares the configuration of a service: flags, environment, file and help come from this one place. */
export function defineConfig<const O extends Options>(spec: ConfigSpec<O>): ConfigSpec<O> {
  return spec;
}
