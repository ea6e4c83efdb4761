import { parseGoDuration } from "@xebec/model-attributes";
import { nodeOf } from "@xebec/model-schema";
import type { TSchema } from "typebox";

/** Milliseconds of a configured duration. @throws TypeError for a string that is none; the reader has refused it before */
export function durationMs(text: string): number {
  const nanos = parseGoDuration(text);
  if (nanos === undefined) throw new TypeError(`${text} is not a duration`);
  return Number(nanos) / 1e6;
}

/**
 * Fills in what parameters leave out, also inside of messages: a status with a message alone keeps the code of its default.
 * Lists and maps are taken whole, as protobuf's JSON form does.
 * @param given valid parameters
 */
export function withDefaults(schema: TSchema, defaults: object | undefined, given: object): object {
  const { properties = {} } = nodeOf(schema);
  const out: Record<string, unknown> = { ...defaults, ...given };
  for (const [key, inner] of Object.entries(properties)) {
    const [preset, own] = [(defaults as Record<string, unknown> | undefined)?.[key], (given as typeof out)[key]];
    if (inner.properties && preset && own) out[key] = withDefaults(inner as TSchema, preset, own);
  }
  return out;
}
