import {
  type Static,
  type TNumberOptions,
  type TObject,
  type TOptional,
  type TProperties,
  type TSchema,
  type TUnsafe,
  Type,
} from "typebox";
import type { SchemaNode, Unsupported } from "./node.ts";

// Builders of schemas for messages in protobuf's JSON form. What they make is plain JSON Schema with the keywords of node.ts.

type Options = Pick<SchemaNode, "default" | "defaultText" | "noEffect">;

/**
 * A message: fields that are not named are refused.
 * @param title name of the message's type, as Istio's API has it
 * @param options.unsupported fields that Istio 1.1 or today's Istio has here and this version does not support
 * @param options.whenAbsent what is reported when a required field is absent
 */
export function message<P extends TProperties>(
  title: string,
  fields: P,
  options: Pick<SchemaNode, "unsupported" | "whenAbsent"> = {},
): TObject<P> {
  return Type.Object(fields, { title, additionalProperties: false, ...options });
}

/** A message of which only some fields are known; all others are left as they are. */
export function openMessage<P extends TProperties>(title: string, fields: P): TObject<P> {
  return Type.Object(fields, { title, additionalProperties: true });
}

/**
 * A field that may be absent.
 * @param description for the reference page: one or two sentences
 * @param options.default what holds when it is absent
 * @param options.noEffect why it has no effect although it is accepted
 */
export function field<S extends TSchema>(schema: S, description: string, options: Options = {}): TOptional<S> {
  return Type.Optional(required(schema, description, options)) as TOptional<S>;
}

/** A field that must be there. */
export function required<S extends TSchema>(schema: S, description: string, options: Options = {}): S {
  return Type.With(schema, { description, ...options }) as S;
}

/** Names of unsupported fields or values. @param advice what to write instead, for those that have a successor */
export function unsupported(names: string, advice: Unsupported = {}): Unsupported {
  const bare = names.split(" ").filter(Boolean);
  return { ...Object.fromEntries(bare.map((name) => [name, ""])), ...advice };
}

export function string(options: { readonly minLength?: number; readonly pattern?: string } = {}) {
  return Type.String(options);
}

export function bool() {
  return Type.Boolean();
}

/** Go's duration, such as `1m30s`; the JSON form of google.protobuf.Duration in Istio. */
export function duration() {
  return Type.String({ format: "duration" });
}

/** Bytes in base64. */
export function bytes() {
  return Type.String({ format: "byte" });
}

/** Limits that are part of what is allowed. */
type Range = Pick<TNumberOptions, "minimum" | "maximum">;

export function int32({ minimum = -2_147_483_648, maximum = 2_147_483_647 }: Range = {}) {
  return Type.Integer({ minimum, maximum });
}

export function uint32({ minimum = 0, maximum = 4_294_967_295 }: Range = {}) {
  return Type.Integer({ minimum, maximum });
}

/** An integer that JavaScript holds exactly. */
export function int64(range: Range = {}) {
  return Type.Integer(range);
}

export function double(range: Range = {}) {
  return Type.Number(range);
}

export function list<S extends TSchema>(items: S, options: { readonly minItems?: number } = {}) {
  return Type.Array(items, options);
}

/** A map from strings to values. @param pattern of its keys; any key when left out */
export function map<S extends TSchema>(values: S, pattern?: string) {
  return Type.Record(Type.String(pattern === undefined ? {} : { pattern }), values);
}

/** Any JSON value: google.protobuf.Value, Struct and Any, whose contents somebody else checks. */
export function anything() {
  return Type.Unknown();
}

/** A JSON object whose contents somebody else checks. */
export function struct() {
  return Type.Object({}, { additionalProperties: true });
}

/**
 * An enum, read by name or by number.
 * @param values names in the order of their numbers from 0, or numbers by name
 * @param options.unsupported values that Istio has and this version does not support, which need a number, too
 */
export function enumeration<const V extends string, const U extends V = never>(
  values: readonly V[] | Readonly<Record<V, number>>,
  options: { readonly unsupported?: Readonly<Record<U, string>> } = {},
): TUnsafe<Exclude<V, U>> {
  const numbers = (Array.isArray(values) ? Object.fromEntries(values.map((name, i) => [name, i])) : values) as Readonly<
    Record<string, number>
  >;
  const names = Object.keys(numbers).filter((name) => !Object.hasOwn(options.unsupported ?? {}, name));
  return Type.Unsafe<Exclude<V, U>>({ type: "string", enum: names, numbers, ...options });
}

export type { Static };
