/** The types of attributes and expressions with their numbers (istio.policy.v1beta1.ValueType). */
export const VALUE_TYPES = {
  STRING: 1,
  INT64: 2,
  DOUBLE: 3,
  BOOL: 4,
  TIMESTAMP: 5,
  IP_ADDRESS: 6,
  EMAIL_ADDRESS: 7,
  URI: 8,
  DNS_NAME: 9,
  DURATION: 10,
  STRING_MAP: 11,
} as const;

export type ValueType = keyof typeof VALUE_TYPES;

const byNumber = new Map<number, ValueType>(
  Object.entries(VALUE_TYPES).map(([name, number]) => [number, name as ValueType]),
);

/** Reads a type as configuration writes it: its name or its number. Undefined when it is neither. */
export function valueTypeOf(text: unknown): ValueType | undefined {
  if (typeof text === "number") return byNumber.get(text);
  return typeof text === "string" && Object.hasOwn(VALUE_TYPES, text) ? (text as ValueType) : undefined;
}
