import { hash } from "node:crypto";
import type { Resource, ServiceEntrySpec } from "@xebec/model-resources";

/** A virtual address in both families: the last 16 bits are the same. */
export interface VirtualAddress {
  readonly ipv4: string;
  readonly ipv6: string;
}

/** With the value `false` the hosts of a ServiceEntry get no virtual addresses. */
const LABEL = "networking.istio.io/enable-autoallocate-ip";
const SLOTS = 0x1_0000;
/** A host that finds no free address in so many tries gets none: that happens only when nearly all are taken. */
const MOST_TRIES = 64;
const NOBODY: ReadonlySet<string> = new Set();

/** What takes part: one host in one namespace, whichever ServiceEntries define it. */
interface Holder {
  readonly id: string;
  readonly first: number;
  /** Odd, so that the tries meet every address. */
  readonly step: number;
  /** When each ServiceEntry that defines it was created, by its key. */
  readonly owners: Map<string, string>;
  created: string;
  /** How many addresses older hosts have taken from it. */
  tries: number;
}

/**
 * The virtual addresses of hosts of ServiceEntries that have none of their own, from 240.240.0.0/16 and 2001:2::/48
 * (docs/reference/pilot.md §1.7). They are a function of what there is, whatever came first: every pilot has the same, also after a
 * restart. The name of a host says which address it tries first; of several that want one, the oldest has it, and addresses that a
 * ServiceEntry names itself are nobody else's.
 */
export class VirtualAddresses {
  readonly #holders = new Map<string, Holder>();
  readonly #slots = new Map<number, Holder>();
  /** How many ServiceEntries name an address themselves. */
  readonly #named = new Map<number, number>();
  /** Those that have not the first address that they tried. */
  readonly #displaced = new Set<Holder>();
  /** What each ServiceEntry takes, by its key. */
  readonly #taken = new Map<string, { readonly ids: readonly string[]; readonly named: readonly number[] }>();
  readonly #slotCount: number;
  #moved: Set<Holder> = new Set();

  /** @param slots how many addresses there are, a power of two; tests take a few */
  constructor(slots = SLOTS) {
    this.#slotCount = slots;
  }

  /** The address of a host in a namespace as a ServiceEntry defines it; undefined where it has none. */
  of(key: string, namespace: string, host: string): VirtualAddress | undefined {
    const holder = this.#holders.get(idOf(namespace, host));
    const slot = holder?.owners.has(key) ? this.#slotOf(holder) : undefined;
    return slot === undefined ? undefined : addressAt(slot);
  }

  /**
   * Takes a ServiceEntry, its new form, or its end.
   * @param hosts all that it defines, in their canonical form
   * @returns the keys of the other ServiceEntries of which a host has another address by now
   */
  replace(key: string, entry: Resource<ServiceEntrySpec> | undefined, hosts: readonly string[]): ReadonlySet<string> {
    const before = this.#taken.get(key);
    const wanted = entry ? hosts.filter((host) => isEligible(entry, host)) : [];
    const named = entry ? (entry.spec.addresses ?? []).flatMap((each) => slotOfAddress(each) ?? []) : [];
    if (!before && wanted.length === 0 && named.length === 0) return NOBODY;
    this.#moved = new Set();
    const ids = wanted.map((host) => idOf(entry?.namespace ?? "", host));
    const created = entry?.creationTimestamp ?? "";
    for (const slot of named) this.#name(slot);
    for (const id of before?.ids ?? []) if (!ids.includes(id)) this.#leave(id, key);
    for (const id of ids) this.#join(id, key, created);
    for (const slot of before?.named ?? []) this.#unname(slot);
    if (ids.length > 0 || named.length > 0) this.#taken.set(key, { ids, named });
    else this.#taken.delete(key);
    return new Set([...this.#moved].flatMap(({ owners }) => [...owners.keys()]).filter((each) => each !== key));
  }

  #join(id: string, key: string, created: string): void {
    const holder = this.#holders.get(id);
    if (!holder) {
      const digest = hash("sha1", id, "buffer");
      const [first, step] = [digest.readUInt16BE(0), digest.readUInt16BE(2) | 1];
      const added: Holder = { id, first, step, owners: new Map([[key, created]]), created, tries: 0 };
      this.#holders.set(id, added);
      this.#place(added);
    } else {
      holder.owners.set(key, created);
      this.#aged(holder);
    }
  }

  #leave(id: string, key: string): void {
    const holder = this.#holders.get(id);
    if (!holder?.owners.delete(key)) return;
    if (holder.owners.size > 0) {
      this.#aged(holder);
      return;
    }
    this.#holders.delete(id);
    this.#withdraw(holder);
  }

  /** Its age may be another one by now, and with it its place. */
  #aged(holder: Holder): void {
    const [created = ""] = [...holder.owners.values()].sort();
    if (created === holder.created) return;
    this.#withdraw(holder);
    holder.created = created;
    holder.tries = 0;
    this.#place(holder);
  }

  #withdraw(holder: Holder): void {
    this.#displaced.delete(holder);
    this.#moved.add(holder);
    const slot = this.#slotOf(holder);
    if (slot === undefined) return;
    this.#slots.delete(slot);
    this.#free(slot);
  }

  /** Tries addresses until one is free or a younger host has it, which goes on in its turn. */
  #place(added: Holder): void {
    for (let holder: Holder | undefined = added; holder; ) {
      this.#moved.add(holder);
      const slot = this.#slotOf(holder);
      if (slot === undefined) break;
      const other = this.#slots.get(slot);
      if (!this.#isUsable(slot) || this.#named.has(slot) || (other && isBefore(other, holder))) {
        this.#displaced.add(holder);
        holder.tries++;
        continue;
      }
      this.#slots.set(slot, holder);
      if (other) {
        this.#displaced.add(other);
        other.tries++;
      }
      holder = other;
    }
  }

  /** Gives an address that is free by now to the oldest host that had tried it, and that one's to the next. */
  #free(freed: number): void {
    for (let slot: number | undefined = freed; slot !== undefined && this.#isUsable(slot); ) {
      let best: Holder | undefined;
      let at = 0;
      for (const each of this.#displaced)
        for (let tries = 0; tries < each.tries; tries++)
          if (this.#slotOf(each, tries) === slot && (!best || isBefore(each, best))) {
            best = each;
            at = tries;
            break;
          }
      if (!best) return;
      const old: number | undefined = this.#slotOf(best);
      if (old !== undefined) this.#slots.delete(old);
      best.tries = at;
      if (at === 0) this.#displaced.delete(best);
      this.#slots.set(slot, best);
      this.#moved.add(best);
      slot = old;
    }
  }

  /** The last 16 bits of the address that a host tries after so many others. */
  #slotOf({ first, step, tries: own }: Holder, tries = own): number | undefined {
    return tries < MOST_TRIES ? (first + tries * step) % this.#slotCount : undefined;
  }

  /** Not the address of the network itself, nor its last one. */
  #isUsable(slot: number): boolean {
    return slot > 0 && slot < this.#slotCount - 1;
  }

  #name(slot: number): void {
    const count = this.#named.get(slot) ?? 0;
    this.#named.set(slot, count + 1);
    const holder = count === 0 ? this.#slots.get(slot) : undefined;
    if (!holder) return;
    this.#slots.delete(slot);
    this.#place(holder);
  }

  #unname(slot: number): void {
    const count = (this.#named.get(slot) ?? 0) - 1;
    if (count > 0) this.#named.set(slot, count);
    else {
      this.#named.delete(slot);
      this.#free(slot);
    }
  }
}

function idOf(namespace: string, host: string): string {
  return `${namespace}/${host}`;
}

/** The oldest first; of the same age by name. */
function isBefore(a: Holder, b: Holder): boolean {
  return a.created === b.created ? a.id < b.id : a.created < b.created;
}

function addressAt(slot: number): VirtualAddress {
  return { ipv4: `240.240.${slot >> 8}.${slot & 255}`, ipv6: `2001:2::${slot.toString(16)}` };
}

/** The last 16 bits of a single address within the range; undefined for any other. */
function slotOfAddress(text: string): number | undefined {
  const v4 = /^240\.240\.(\d{1,3})\.(\d{1,3})(?:\/32)?$/.exec(text);
  if (v4) return Number(v4[1]) * 256 + Number(v4[2]);
  const v6 = /^2001:2::([\da-f]{1,4})(?:\/128)?$/i.exec(text);
  return v6 ? Number.parseInt(v6[1] ?? "", 16) : undefined;
}

/** Whether a host of a ServiceEntry gets a virtual address. */
function isEligible({ spec, labels }: Resource<ServiceEntrySpec>, host: string): boolean {
  const { resolution = "NONE", addresses = [] } = spec;
  if (addresses.length > 0 || resolution === "NONE" || labels?.[LABEL]?.toLowerCase() === "false") return false;
  return !host.includes("*") || resolution === "DYNAMIC_DNS";
}
