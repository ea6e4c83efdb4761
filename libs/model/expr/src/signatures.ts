import type { ValueType } from "@xebec/model-attributes";

/** A parameter's type; `T` is bound by the first operand that has it. */
export type Parameter = ValueType | "T";

export interface Signature {
  /** A method has a receiver; a function has none. */
  readonly receiver?: Parameter;
  readonly parameters: readonly Parameter[];
  readonly result: Parameter;
}

const comparison: Signature = { parameters: ["T", "T"], result: "BOOL" };
const logical: Signature = { parameters: ["BOOL", "BOOL"], result: "BOOL" };
const same: Signature = { parameters: ["T", "T"], result: "T" };
const fromText = (result: ValueType): Signature => ({ parameters: ["STRING"], result });
const textTest: Signature = { receiver: "STRING", parameters: ["STRING"], result: "BOOL" };

/** All functions, methods and operators of the language (docs/reference/mixer.md §4.3). */
export const SIGNATURES: ReadonlyMap<string, Signature> = new Map<string, Signature>([
  ["EQ", comparison],
  ["NEQ", comparison],
  ["LT", comparison],
  ["LEQ", comparison],
  ["GT", comparison],
  ["GEQ", comparison],
  ["LAND", logical],
  ["LOR", logical],
  ["OR", same],
  ["ADD", same],
  ["INDEX", { parameters: ["STRING_MAP", "STRING"], result: "STRING" }],
  ["size", fromText("INT64")],
  ["conditional", { parameters: ["BOOL", "T", "T"], result: "T" }],
  ["conditionalString", { parameters: ["BOOL", "STRING", "STRING"], result: "STRING" }],
  ["ip", fromText("IP_ADDRESS")],
  ["timestamp", fromText("TIMESTAMP")],
  ["dnsName", fromText("DNS_NAME")],
  ["email", fromText("EMAIL_ADDRESS")],
  ["uri", fromText("URI")],
  ["match", { parameters: ["STRING", "STRING"], result: "BOOL" }],
  ["matches", textTest],
  ["startsWith", textTest],
  ["endsWith", textTest],
  ["toLower", fromText("STRING")],
  ["emptyStringMap", { parameters: [], result: "STRING_MAP" }],
]);

const ORDERED: readonly ValueType[] = ["STRING", "DNS_NAME", "EMAIL_ADDRESS", "URI", "INT64", "DOUBLE", "TIMESTAMP"];

/** The types for which an operator on `T` is defined; absent means all. */
export const DEFINED_FOR: Readonly<Record<string, readonly ValueType[]>> = {
  EQ: [...ORDERED, "BOOL", "IP_ADDRESS"],
  NEQ: [...ORDERED, "BOOL", "IP_ADDRESS"],
  LT: ORDERED,
  LEQ: ORDERED,
  GT: ORDERED,
  GEQ: ORDERED,
  ADD: ["STRING", "INT64", "DOUBLE"],
};
