import { type Generator, isSplitVersion, type MeshProxy, type NameSet, type ResourceSet } from "@xebec/pilot-xds-gen";
import { setWithInitialVersions } from "../subscription/initial-versions.ts";
import type { NameSets } from "../subscription/name-sets.ts";
import type { Subscription } from "../subscription/subscription.ts";
import type { XdsRequest } from "../wire/request.ts";

/**
 * Whether a client gets virtual hosts one by one, and of which tables (docs/adr/0016-virtual-host-discovery.md). It is decided once for a
 * stream: a table that had its virtual hosts and leaves them to VHDS has none until they come. A client that comes back goes on as before.
 */
export class VirtualHosts {
  readonly #proxy: MeshProxy;
  readonly #delta: boolean;
  /** From how many services on new clients get them so; 0: never. */
  readonly #from: number;
  /** What a client that came back has; undefined for one that has no route table. */
  #resumed: boolean | undefined;
  #split: boolean | undefined;
  /** The tables that it was last asked for. */
  #tables: { readonly of: ResourceSet; readonly names: NameSet } | undefined;

  constructor({ proxy, delta }: { readonly proxy: MeshProxy; readonly delta: boolean }, from: number) {
    this.#proxy = proxy;
    this.#delta = delta;
    this.#from = from;
  }

  /** Takes the first request for route tables. */
  resume({ initialVersions }: XdsRequest): void {
    if (initialVersions.size > 0) this.#resumed = [...initialVersions.values()].some(isSplitVersion);
  }

  /** True when the client's tables leave their virtual hosts to VHDS. */
  areSplit({ snapshot }: Generator): boolean {
    this.#split ??=
      this.#delta && this.#proxy.hasVhds && this.#from > 0 && (this.#resumed ?? snapshot.services.size >= this.#from);
    return this.#split;
  }

  /** The tables that the client has, so that their virtual hosts reach them. */
  tables(routes: Subscription | undefined, names: NameSets): NameSet {
    const { acked, names: requested } = routes ?? {};
    if (!acked || !requested) return names.of([]);
    if (this.#tables?.of !== acked) {
      const split = [...acked.resources.values()].filter(({ version }) => isSplitVersion(version));
      this.#tables = { of: acked, names: names.of(split.map(({ name }) => name)) };
    }
    return this.#tables.names;
  }
}

/** The client asks for tables once more: it has nothing of them, nor of their virtual hosts. @param hosts the subscription to these */
export function forgetHosts(hosts: Subscription | undefined, tables: Iterable<string>): void {
  if (!hosts || hosts.sent.resources.size === 0) return;
  const prefixes = [...tables].map((each) => `${each}/`);
  const isForgotten = (name: string): boolean =>
    prefixes.some((prefix) => name.startsWith(prefix) && !name.includes("/", prefix.length));
  const without = (set: ResourceSet): ResourceSet =>
    [...set.resources.keys()].some(isForgotten)
      ? setWithInitialVersions([...set.resources.values()].filter(({ name }) => !isForgotten(name)))
      : set;
  const same = hosts.acked === hosts.sent;
  hosts.sent = without(hosts.sent);
  hosts.acked = same ? hosts.sent : without(hosts.acked);
}
