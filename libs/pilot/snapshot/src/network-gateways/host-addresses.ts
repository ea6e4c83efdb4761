import { PersistentMap } from "../collections/persistent-map.ts";
import type { Edit } from "../kinds/kind.ts";

/** What is known of a host that was looked up at least once. */
export interface HostAddresses {
  /** Its IP addresses, sorted; those of the last answer while there is a problem. */
  readonly addresses: readonly string[];
  /** Why there are none, or none newer; empty when they are up to date. */
  readonly problem: string;
}

/** Hosts that pilot has looked up. They are an input of the snapshot, as services are, and no part of any object. */
export interface HostAddressState {
  readonly hostAddresses: PersistentMap<HostAddresses>;
}

/** Hosts whose addresses changed at once; undefined for one that nobody wants any more. */
export type HostAddressChange = ReadonlyMap<string, HostAddresses | undefined>;

export const hostAddressKeys = { hostAddresses: (host: string): string => `host-addresses/${host}` } as const;

export const NO_HOST_ADDRESSES: HostAddressState = { hostAddresses: PersistentMap.empty() };

/** Takes the addresses of a host, or their end. */
export function replaceHostAddresses(
  { state, changed, batch }: Edit<HostAddressState>,
  host: string,
  after: HostAddresses | undefined,
): void {
  const before = state.hostAddresses.get(host);
  if (before?.problem === after?.problem && before?.addresses.join() === after?.addresses.join()) return;
  state.hostAddresses = state.hostAddresses.edit([[host, after]], batch);
  changed.add(hostAddressKeys.hostAddresses(host));
}

/** The state in parts, each with the dependency key that a reader of the part notes. */
export function* hostAddressParts({ hostAddresses }: HostAddressState): Iterable<readonly [string, unknown]> {
  for (const [host, each] of hostAddresses.entries()) yield [hostAddressKeys.hostAddresses(host), each];
}
