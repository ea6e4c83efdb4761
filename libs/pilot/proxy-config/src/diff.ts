import { isDeepStrictEqual } from "node:util";
import { type ConfigDump, type Json, string } from "./dump.ts";
import { byText } from "./table.ts";

/** A resource that pilot has sent otherwise than Envoy has it. */
export interface Difference {
  readonly type: ComparedType;
  readonly name: string;
  /** As pilot has sent it last; absent when Envoy has a resource that pilot did not send. */
  readonly pilot?: Json;
  /** As Envoy has it; absent when Envoy lacks what pilot has sent. */
  readonly envoy?: Json;
}

/** The types that istioctl compares, and extension configurations. Envoy's dump of endpoints is not what it was sent. */
const TYPES = {
  Clusters: ({ clusters }: ConfigDump) => clusters,
  Listeners: ({ listeners }: ConfigDump) => listeners,
  Routes: ({ routes }: ConfigDump) => routes,
  "Extension configurations": ({ extensions }: ConfigDump) => extensions,
} as const;

export type ComparedType = keyof typeof TYPES;
export const COMPARED_TYPES = Object.keys(TYPES) as readonly ComparedType[];

/**
 * Compares what pilot has sent to a proxy with what its Envoy has, as `istioctl proxy-status POD` does.
 * @param pilot pilot's dump
 * @param envoy Envoy's dump, without what is static
 */
export function differences(pilot: ConfigDump, envoy: ConfigDump): Difference[] {
  return COMPARED_TYPES.flatMap((type) => {
    const [sent, has] = [pilot, envoy].map(
      (dump) => new Map(TYPES[type](dump).map((each) => [string(each.name), each])),
    ) as [Map<string, Json>, Map<string, Json>];
    const names = [...new Set([...sent.keys(), ...has.keys()])].sort(byText);
    return names.flatMap((name): Difference[] => {
      const [left, right] = [sent.get(name), has.get(name)];
      if (isDeepStrictEqual(left && redactedLike(left, right), right)) return [];
      return [{ type, name, ...(left && { pilot: left }), ...(right && { envoy: right }) }];
    });
  });
}

const REDACTED = "[redacted]";

/** Envoy does not show values that may be secret; they count as equal. */
function redactedLike(sent: unknown, shown: unknown): unknown {
  if (shown === REDACTED && typeof sent === "string") return REDACTED;
  if (Array.isArray(sent))
    return sent.map((each, i) => redactedLike(each, Array.isArray(shown) ? shown[i] : undefined));
  if (typeof sent !== "object" || sent === null || typeof shown !== "object" || shown === null) return sent;
  const other = shown as Json;
  return Object.fromEntries(Object.entries(sent).map(([field, value]) => [field, redactedLike(value, other[field])]));
}
