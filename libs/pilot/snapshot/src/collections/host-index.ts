import { hostCovers } from "@xebec/model-names";
import { withReplaced } from "./by-age.ts";
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

  /** The rules of every host, the oldest first. */
  entries(): Iterable<readonly [host: string, rules: readonly T[]]> {
    return this.#byHost.entries();
  }

  /** All rules, each once. */
  all(): Iterable<T> {
    return new Set([...this.#byHost.values()].flat());
  }

  /**
   * Replaces one rule by another version of it, or removes it.
   * @param touched gets every host whose list changed
   * @param batch names replacements that follow each other, of which only the last version is kept (`PersistentMap.edit`)
   */
  replace(before: T | undefined, after: T | undefined, touched: Set<string>, batch?: object): HostIndex<T> {
    const hosts = new Set([...(before?.hosts ?? []), ...(after?.hosts ?? [])]);
    // The patterns alone count here, not how many rules have them.
    const patterns = [...hosts].filter((host) => host.startsWith("*"));
    const known = patterns.map((host) => this.#byHost.has(host));
    const edits: [string, readonly T[] | undefined][] = [];
    for (const host of hosts) {
      touched.add(host);
      const old = before?.hosts.includes(host) ? before : undefined;
      const list = withReplaced(this.exact(host), old, after?.hosts.includes(host) ? after : undefined);
      edits.push([host, list.length > 0 ? list : undefined]);
    }
    const byHost = this.#byHost.edit(edits, batch);
    if (patterns.every((host, i) => byHost.has(host) === known[i])) return new HostIndex(byHost, this.#wildcards);
    const wildcards = [...byHost.entries()].map(([host]) => host).filter((host) => host.startsWith("*"));
    return new HostIndex(
      byHost,
      wildcards.sort((a, b) => b.length - a.length || (a < b ? -1 : 1)),
    );
  }
}
