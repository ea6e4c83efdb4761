import type { TSchema } from "typebox";

/** Known names that are refused, each with what to write instead, or an empty string. */
export type Unsupported = Readonly<Record<string, string>>;

/** The parts of a schema that the reader, the CRDs and the reference pages use: JSON Schema and the keywords of this package. */
export interface SchemaNode {
  readonly type?: "object" | "array" | "string" | "integer" | "number" | "boolean";
  /** Name of a message's type. */
  readonly title?: string;
  readonly description?: string;
  readonly format?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean;
  /** A map: one pattern of its keys, with the schema of its values. */
  readonly patternProperties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
  readonly const?: unknown;
  readonly enum?: readonly string[];
  /** Numbers of an enum's values in protobuf. */
  readonly numbers?: Readonly<Record<string, number>>;
  readonly minLength?: number;
  readonly minItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
  /** Fields of a message, or values of an enum, that Istio has and this version does not support. */
  readonly unsupported?: Unsupported;
  /** What is reported when a required field is absent, where "is required" is not enough. */
  readonly whenAbsent?: Readonly<Record<string, string>>;
  /** Why a field that is accepted has no effect. */
  readonly noEffect?: string;
  /** What holds when the field is absent, in words; `default` has values. */
  readonly defaultText?: string;
}

/** The same object, seen as what it consists of. */
export function nodeOf(schema: TSchema): SchemaNode {
  return schema as SchemaNode;
}

/** What is reported of a field, a value or a kind that Istio has and this version does not support. */
export function notSupported(advice = ""): string {
  return `is not supported by this version${advice ? `; ${advice}` : ""}`;
}
