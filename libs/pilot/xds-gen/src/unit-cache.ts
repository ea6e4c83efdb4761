import type { Snapshot } from "@xebec/pilot-snapshot";
import type { GenerationContext } from "./context.ts";
import type { ProxyView } from "./proxy.ts";

export interface Part<T> {
  readonly value: T;
  readonly dependencies: ReadonlySet<string>;
}

type MakeContext = (snapshot: Snapshot, view: ProxyView) => GenerationContext;

/**
 * Keeps what was generated, by view and name, until a dependency key of it changes. Work is proportional to what changed:
 * everything else is found here.
 */
export class UnitCache {
  readonly #views = new Map<string, Map<string, Part<unknown>>>();
  /** Dependency key → view → names. */
  readonly #readers = new Map<string, Map<string, Set<string>>>();
  readonly #makeContext: MakeContext;

  /** @param makeContext makes a context that finds its parts in this cache */
  constructor(makeContext: (cache: UnitCache) => MakeContext) {
    this.#makeContext = makeContext(this);
  }

  part<T>(name: string, snapshot: Snapshot, view: ProxyView, make: (context: GenerationContext) => T): Part<T> {
    let parts = this.#views.get(view.key);
    if (!parts) {
      parts = new Map();
      this.#views.set(view.key, parts);
    }
    const known = parts.get(name);
    if (known) return known as Part<T>;
    const context = this.#makeContext(snapshot, view);
    const part: Part<T> = { value: make(context), dependencies: context.dependencies };
    parts.set(name, part);
    for (const key of part.dependencies) {
      let readers = this.#readers.get(key);
      if (!readers) {
        readers = new Map();
        this.#readers.set(key, readers);
      }
      const names = readers.get(view.key);
      if (names) names.add(name);
      else readers.set(view.key, new Set([name]));
    }
    return part;
  }

  /** Forgets every part that read one of these keys. */
  invalidate(changed: Iterable<string>): void {
    for (const key of changed) {
      const readers = this.#readers.get(key);
      if (!readers) continue;
      this.#readers.delete(key);
      for (const [view, names] of readers) {
        const parts = this.#views.get(view);
        if (parts) for (const name of names) parts.delete(name);
      }
    }
  }

  /** Forgets the views that no proxy has any more. */
  keepViews(alive: ReadonlySet<string>): void {
    for (const view of this.#views.keys()) if (!alive.has(view)) this.#views.delete(view);
    for (const [key, readers] of this.#readers) {
      for (const view of readers.keys()) if (!alive.has(view)) readers.delete(view);
      if (readers.size === 0) this.#readers.delete(key);
    }
  }

  get size(): number {
    let count = 0;
    for (const parts of this.#views.values()) count += parts.size;
    return count;
  }
}
