import type { XdsType } from "@xebec/pilot-xds-gen";
import type { Subscription } from "./subscription.ts";

/** The order in which changes reach a proxy, so that nothing refers to what is not there yet. */
export const PUSH_ORDER: readonly XdsType[] = ["cluster", "endpoint", "extensionconfig", "listener", "route"];

/** What leads to clusters, and so has to wait for them. */
export const FOLLOWERS: readonly XdsType[] = ["extensionconfig", "listener", "route"];

/** What every client with routes subscribes to sooner or later. */
export const LEADING: readonly XdsType[] = ["listener", "route"];

/** Clusters and listeners are always served as a whole. */
export function isWildcard(type: XdsType): boolean {
  return type === "cluster" || type === "listener";
}

/** True when the client wants anything of the type: all of it, or names. */
export function isSubscribed(sub: Subscription): boolean {
  return isWildcard(sub.type) || (sub.names?.names.length ?? 0) > 0;
}
