import { XebecError } from "@xebec/core-errors";

/** A place in the history of the configuration: the last revision of each source, in one store of the bus. */
export interface ConfigPosition {
  /** By source: `{ "galley": 7 }`. */
  readonly revisions: Readonly<Record<string, number>>;
  /** Names the store: numbers of another one cannot be compared. */
  readonly incarnation: string;
}

/**
 * How far one service has come with the configuration: a key of the bucket `status` beside its conditions. Of galley: what it
 * has published. Of any
 * other controller: what it has applied, and said everything about in conditions that were written before.
 */
export interface Observed extends ConfigPosition {
  readonly controller: string;
  /** Why nothing newer is applied although it was read. Public text. */
  readonly error?: string;
  /** RFC 3339. */
  readonly time: string;
}

const PREFIX = "observed/";
/** Mixer's group: pilot reads it too, since it decides where proxies ask. */
const MIXER_GROUP = "config.istio.io/";

/** The key of what a service has observed, in the bucket `status`. */
export function observedKey(controller: string): string {
  return `${PREFIX}${controller}`;
}

/** True for a key of the bucket `status` that is not a condition's. */
export function isObservedKey(key: string): boolean {
  return key.startsWith(PREFIX);
}

export function encodeObserved(observed: Observed): Uint8Array {
  return Buffer.from(JSON.stringify(observed));
}

/** @throws XebecError data_loss when the bytes are none */
export function decodeObserved(bytes: Uint8Array): Observed {
  try {
    const value = JSON.parse(Buffer.from(bytes).toString("utf8")) as Observed;
    if (
      typeof value.controller === "string" &&
      typeof value.incarnation === "string" &&
      value.revisions !== null &&
      typeof value.revisions === "object"
    )
      return value;
  } catch (error) {
    throw new XebecError("data_loss", "a value of the bucket `status` is not JSON", { cause: error });
  }
  throw new XebecError("data_loss", "a value of the bucket `status` does not say what was observed");
}

/** Says whether a service that has come as far as `observed` has applied everything up to `published`. */
export function hasReached(observed: ConfigPosition | undefined, published: ConfigPosition): boolean {
  if (!observed || observed.incarnation !== published.incarnation) return false;
  return Object.entries(published.revisions).every(
    ([source, revision]) => (observed.revisions[source] ?? 0) >= revision,
  );
}

/** The controllers of an object, besides galley. @param key `keyOf` of the object */
export function controllersOf(key: string): readonly string[] {
  return key.startsWith(MIXER_GROUP) ? ["pilot", "mixer-policy", "mixer-telemetry"] : ["pilot"];
}
