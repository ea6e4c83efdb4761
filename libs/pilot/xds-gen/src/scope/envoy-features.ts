/** A version of Envoy. */
export interface EnvoyVersion {
  readonly major: number;
  readonly minor: number;
}

/** The oldest Envoy that is supported: it accepts everything that it is sent, in tests. */
export const OLDEST_ENVOY: EnvoyVersion = { major: 1, minor: 36 };

/** Since which version Envoy knows what some configurations use. Older ones reject all of a resource that has it. */
const SINCE = {
  /** `value` of a custom tag: a text with command operators. */
  customTagValue: { major: 1, minor: 37 },
} as const satisfies Readonly<Record<string, EnvoyVersion>>;

export type EnvoyFeature = keyof typeof SINCE;

/** What a version does not know; undefined where that is nothing, as for one that does not say its version. */
export function lackingIn(version: EnvoyVersion | undefined): readonly EnvoyFeature[] | undefined {
  if (!version) return undefined;
  const lacking = (Object.keys(SINCE) as EnvoyFeature[]).filter((each) => isOlder(version, SINCE[each]));
  return lacking.length > 0 ? lacking : undefined;
}

/** Since which version Envoy takes virtual hosts over the stream of all types (docs/adr/0016-virtual-host-discovery.md). */
const VHDS_OVER_ADS: EnvoyVersion = { major: 1, minor: 37 };

/** True for a version that takes virtual hosts over ADS; one that does not say its version is not asked to. */
export function knowsVhds(version: EnvoyVersion | undefined): boolean {
  return version !== undefined && !isOlder(version, VHDS_OVER_ADS);
}

function isOlder(a: EnvoyVersion, b: EnvoyVersion): boolean {
  return a.major === b.major ? a.minor < b.minor : a.major < b.major;
}
