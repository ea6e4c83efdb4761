import { parseDuration } from "@xebec/core-duration";

/** Where keys that verify tokens come from, when an object does not have them itself. */
export interface KeySetRef {
  /** The URL of the key set, or the issuer whose OpenID configuration names it. */
  readonly id: string;
  /** Empty: it is found by the issuer. */
  readonly uri: string;
  readonly issuer: string;
  /** How long fetching it may take. */
  readonly timeoutMs: number;
}

/** What of a rule for tokens says where the keys are. */
export interface KeySource {
  readonly issuer?: string;
  readonly jwks?: string;
  readonly jwksUri?: string;
  readonly timeout?: string;
}

const TIMEOUT_MS = 5_000;
const LONGEST_MS = 60_000;

/** The reference of a rule; undefined for one that has its keys itself. */
export function keySetRefOf({ issuer = "", jwks, jwksUri = "", timeout }: KeySource): KeySetRef | undefined {
  if (jwks || (issuer === "" && jwksUri === "")) return undefined;
  const timeoutMs = Math.min((timeout && parseDuration(timeout)) || TIMEOUT_MS, LONGEST_MS);
  return { id: jwksUri || `issuer ${issuer}`, uri: jwksUri, issuer, timeoutMs };
}

/** Each key set once, with the longest time that one of its rules gives it. */
export function distinctRefs(refs: Iterable<KeySetRef>): KeySetRef[] {
  const found = new Map<string, KeySetRef>();
  for (const each of refs) {
    const other = found.get(each.id);
    if (!other || other.timeoutMs < each.timeoutMs) found.set(each.id, each);
  }
  return [...found.values()];
}
