import { CompressedAttributesSchema } from "@xebec/api-mesh/istio/mixer/v1/attributes";
import { fieldNumbers } from "./field-numbers.ts";
import type { ValueType } from "./value-type.ts";

const { strings, int64s, doubles, bools, timestamps, durations, bytes, stringMaps } =
  fieldNumbers(CompressedAttributesSchema);

/** How a value travels: the number of its map field in CompressedAttributes (docs/reference/mixer.md §2). */
export const TRANSPORT = {
  STRINGS: strings,
  INT64S: int64s,
  DOUBLES: doubles,
  BOOLS: bools,
  TIMESTAMPS: timestamps,
  DURATIONS: durations,
  BYTES: bytes,
  STRING_MAPS: stringMaps,
} as const;

const transports: Record<ValueType, number> = {
  STRING: TRANSPORT.STRINGS,
  INT64: TRANSPORT.INT64S,
  DOUBLE: TRANSPORT.DOUBLES,
  BOOL: TRANSPORT.BOOLS,
  TIMESTAMP: TRANSPORT.TIMESTAMPS,
  IP_ADDRESS: TRANSPORT.BYTES,
  EMAIL_ADDRESS: TRANSPORT.STRINGS,
  URI: TRANSPORT.STRINGS,
  DNS_NAME: TRANSPORT.STRINGS,
  DURATION: TRANSPORT.DURATIONS,
  STRING_MAP: TRANSPORT.STRING_MAPS,
};

/** The map field of CompressedAttributes in which values of a type travel. */
export function transportOf(type: ValueType): number {
  return transports[type];
}
