import type { Snapshot } from "@xebec/pilot-snapshot";
import type { GenerationContext } from "../scope/context.ts";
import type { ProxyView } from "../scope/proxy.ts";

export interface Part<T> {
  readonly value: T;
  /** What whoever uses the part depends on: the part itself, by its mark. */
  readonly dependencies: ReadonlySet<string>;
}

/** A part as it is kept. */
interface Kept extends Part<unknown> {
  readonly view: string;
  readonly name: string;
  readonly mark: string;
  /** Dependency keys, and marks of the parts that it is made of. */
  readonly reads: ReadonlySet<string>;
  /** Parts that are made of it. */
  readonly readers: Set<Kept>;
  /** The last round in which it was asked for. */
  round: number;
}

type MakeContext = (snapshot: Snapshot, view: ProxyView) => GenerationContext;

/**
 * Keeps what was generated, by view and name, until a dependency key of it changes. Work is proportional to what changed:
 * everything else is found here. A part notes only what it read itself; what its parts read reaches it through them.
 */
export class UnitCache {
  readonly #views = new Map<string, Map<string, Kept>>();
  readonly #byMark = new Map<string, Kept>();
  /** Who read a dependency key. */
  readonly #readers = new Map<string, Set<Kept>>();
  readonly #makeContext: MakeContext;
  #marks = 0;
  #round = 0;

  /** @param makeContext makes a context that finds its parts in this cache */
  constructor(makeContext: (cache: UnitCache) => MakeContext) {
    this.#makeContext = makeContext(this);
  }

  part<T>(name: string, snapshot: Snapshot, view: ProxyView, make: (context: GenerationContext) => T): Part<T> {
    const known = this.#views.get(view.key)?.get(name);
    if (known) {
      known.round = this.#round;
      return known as Part<T>;
    }
    const context = this.#makeContext(snapshot, view);
    const value = make(context);
    // No dependency key begins so.
    const mark = `#${++this.#marks}`;
    const kept = {
      ...{ value, dependencies: new Set([mark]), view: view.key, name, mark },
      ...{ reads: context.dependencies, readers: new Set<Kept>(), round: this.#round },
    };
    this.#keep(kept);
    return kept;
  }

  /** True when a view has a part of this name. */
  has(name: string, view: ProxyView): boolean {
    return this.#views.get(view.key)?.has(name) === true;
  }

  /** Forgets every part that read one of these keys, itself or through another part. */
  invalidate(changed: Iterable<string>): void {
    for (const key of changed) for (const part of this.#readers.get(key) ?? []) this.#drop(part);
  }

  /** Begins a round: what is asked for from now on is in use. */
  beginRound(): void {
    this.#round++;
  }

  /** Forgets what was not in use in this round, neither itself nor as a part of another one. */
  endRound(): void {
    const used = new Set<Kept>();
    const visit = (part: Kept): void => {
      if (used.has(part)) return;
      used.add(part);
      for (const key of part.reads) {
        const inner = this.#byMark.get(key);
        if (inner) visit(inner);
      }
    };
    for (const part of this.#byMark.values()) if (part.round === this.#round) visit(part);
    for (const part of this.#byMark.values()) if (!used.has(part)) this.#drop(part);
  }

  /** How many parts are kept. */
  get size(): number {
    return this.#byMark.size;
  }

  /** How many dependency keys somebody waits for. */
  get keys(): number {
    return this.#readers.size;
  }

  #keep(part: Kept): void {
    const parts = this.#views.get(part.view);
    if (parts) parts.set(part.name, part);
    else this.#views.set(part.view, new Map([[part.name, part]]));
    this.#byMark.set(part.mark, part);
    for (const key of part.reads) {
      const readers = this.#byMark.get(key)?.readers ?? this.#readers.get(key);
      if (readers) readers.add(part);
      else this.#readers.set(key, new Set([part]));
    }
  }

  #drop(part: Kept): void {
    if (!this.#byMark.delete(part.mark)) return;
    const parts = this.#views.get(part.view);
    parts?.delete(part.name);
    if (parts?.size === 0) this.#views.delete(part.view);
    for (const key of part.reads) {
      const inner = this.#byMark.get(key);
      inner?.readers.delete(part);
      const readers = inner ? undefined : this.#readers.get(key);
      if (readers?.delete(part) && readers.size === 0) this.#readers.delete(key);
    }
    for (const reader of part.readers) this.#drop(reader);
  }
}
