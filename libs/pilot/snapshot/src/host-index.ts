import { hostCovers } from "@xebec/model-names";
import { PersistentMap } from "./persistent-map.ts";

/** What a host index needs of a rule. */
export interface Hosted {
  /** `keyOf` of the object. */
  readonly key: string;
  readonly hosts: readonly string[];
  readonly created: string;
}

/** Rules by the host they are for; the oldest first for each host (docs/reference/pilot.md §3.1, §3.2). */
export class HostIndex<T extends Hosted> {
  readonly #byHost: PersistentMap<readonly T[]>;
  /** Wildcard hosts, the longest first. */
  readonly #wildcards: readonly string[];

  private constructor(byHost: PersistentMap<readonly T[]>, wildcards: readonly string[]) {
    this.#byHost = byHost;
    this.#wildcards = wildcards;
  }

  static empty<T extends Hosted>(): HostIndex<T> {
    return new HostIndex<T>(PersistentMap.empty(), []);
  }

  /** The rules of exactly this host text. */
  exact(host: string): readonly T[] {
    return this.#byHost.get(host) ?? [];
  }

  /** The rules of the most specific host that covers `host` and has a rule that `accept` takes; oldest first. */
  find(host: string, accept: (rule: T) => boolean): readonly T[] {
    const exact = this.exact(host).filter(accept);
    if (exact.length > 0) return exact;
    for (const pattern of this.#wildcards)
      if (pattern !== host && hostCovers(pattern, host)) {
        const found = this.exact(pattern).filter(accept);
        if (found.length > 0) return found;
      }
    return [];
  }

  /** All rules, each once. */
  all(): Iterable<T> {
    return new Set([...this.#byHost.values()].flat());
  }

  /**
   * Replaces one rule by another version of it, or removes it.
   * @param touched gets every host whose list changed
   */
  replace(before: T | undefined, after: T | undefined, touched: Set<string>): HostIndex<T> {
    const hosts = new Set([...(before?.hosts ?? []), ...(after?.hosts ?? [])]);
    const edits: [string, readonly T[] | undefined][] = [];
    for (const host of hosts) {
      touched.add(host);
      const old = before?.hosts.includes(host) ? before : undefined;
      const list = withReplaced(this.exact(host), old, after?.hosts.includes(host) ? after : undefined);
      edits.push([host, list.length > 0 ? list : undefined]);
    }
    const byHost = this.#byHost.edit(edits);
    // The pattern alone counts here, not how many rules have it.
    if (![...hosts].some((host) => host.startsWith("*") && byHost.has(host) !== this.#byHost.has(host)))
      return new HostIndex(byHost, this.#wildcards);
    const wildcards = [...byHost.entries()].map(([host]) => host).filter((host) => host.startsWith("*"));
    return new HostIndex(
      byHost,
      wildcards.sort((a, b) => b.length - a.length || (a < b ? -1 : 1)),
    );
  }
}

/**
 * The list with an object replaced, in the order of age. It costs one pass at the most: a file may have ten thousand
 * objects for one host or Gateway.
 * @param before by its key; undefined when it is new
 */
export function withReplaced<T extends { created: string; key: string }>(
  list: readonly T[],
  before: T | undefined,
  after: T | undefined,
): readonly T[] {
  const next = [...list];
  if (before) {
    const at = placeOf(next, before);
    if (next[at]?.key === before.key) next.splice(at, 1);
  }
  if (after) next.splice(placeOf(next, after), 0, after);
  return next;
}

/** Where an object is in a list in the order of age, or would be. */
function placeOf(list: readonly { created: string; key: string }[], each: { created: string; key: string }): number {
  let [from, to] = [0, list.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (byAge(list[middle] as typeof each, each) < 0) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** The oldest first; then by name, so that the order is the same everywhere. */
export function byAge(a: { created: string; key: string }, b: { created: string; key: string }): number {
  return a.created === b.created ? (a.key < b.key ? -1 : a.key > b.key ? 1 : 0) : a.created < b.created ? -1 : 1;
}
