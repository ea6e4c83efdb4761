import type { Resource } from "@xebec/model-resources";
import { type ConfigError, type ConfigSource, type PlaceContent, placeKey } from "./config-source.ts";

/**
 * The places of several sources, the first source's in front.
 * @returns undefined while one of them is not read: what it has would look deleted
 */
export function placesOf(sources: readonly ConfigSource[]): ReadonlyMap<string, PlaceContent> | undefined {
  const [only, ...others] = sources;
  if (only && others.length === 0) return only.places();
  const all = new Map<string, PlaceContent>();
  for (const source of sources) {
    const places = source.places();
    if (!places) return undefined;
    for (const [place, content] of places) all.set(place, content);
  }
  return all;
}

/**
 * The contents of places put together. An object that several of them define is that of the first one. What a change costs depends on
 * the places that have changed: of all others only the identity of their content is looked at.
 */
export class MergedPlaces {
  /** What is in use, by `keyOf`. */
  readonly resources = new Map<string, Resource>();
  readonly #contents = new Map<string, PlaceContent>();
  /** The position of each place; as old as the last place that came or went. */
  #order = new Map<string, number>();
  /** The places that define an object. */
  readonly #places = new Map<string, Set<string>>();
  /** The objects that several places define. */
  readonly #duplicates = new Set<string>();
  readonly #faulty = new Set<string>();

  /** Takes the places over as they are now. @returns the keys of the objects that are others, or gone */
  update(places: ReadonlyMap<string, PlaceContent>): ReadonlySet<string> {
    const touched = new Set<string>();
    let hasOthers = places.size !== this.#order.size;
    for (const [place, content] of places) {
      hasOthers ||= !this.#order.has(place);
      const before = this.#contents.get(place);
      if (before !== content) this.#replace(place, before, content, touched);
    }
    if (hasOthers) {
      for (const [place, before] of [...this.#contents])
        if (!places.has(place)) this.#replace(place, before, undefined, touched);
      this.#order = new Map([...places.keys()].map((place, i) => [place, i]));
      // Another place may be the first one.
      for (const key of this.#duplicates) touched.add(key);
    }
    const changed = new Set<string>();
    for (const key of touched) if (this.#choose(key)) changed.add(key);
    return changed;
  }

  /** Those of the places, in their order, and objects that several places define. */
  get errors(): readonly ConfigError[] {
    const errors = this.#sorted(this.#faulty).flatMap((place) => this.#contents.get(place)?.errors ?? []);
    for (const key of this.#duplicates) {
      const first = this.resources.get(key);
      for (const place of this.#sorted(this.#places.get(key) ?? []).slice(1)) {
        const resource = this.#contents.get(place)?.resources.get(key);
        if (!first || !resource) continue;
        errors.push({
          // An error of the place, not of the object: that is well, in the place that has it.
          object: placeKey(place),
          source: place,
          line: resource.origin?.line ?? 0,
          message: `metadata.name: ${resource.kind} ${resource.namespace}/${resource.name} is defined in ${first.origin?.source} already${lineText(first)}; that one is used, remove one of them`,
        });
      }
    }
    return errors;
  }

  #replace(
    place: string,
    before: PlaceContent | undefined,
    content: PlaceContent | undefined,
    touched: Set<string>,
  ): void {
    for (const key of before?.resources.keys() ?? []) {
      touched.add(key);
      this.#places.get(key)?.delete(place);
    }
    for (const key of content?.resources.keys() ?? []) {
      touched.add(key);
      const places = this.#places.get(key) ?? new Set();
      this.#places.set(key, places.add(place));
    }
    if (content) this.#contents.set(place, content);
    else this.#contents.delete(place);
    if (content && content.errors.length > 0) this.#faulty.add(place);
    else this.#faulty.delete(place);
  }

  /** Finds the form of an object that counts. @returns whether it is another one than before */
  #choose(key: string): boolean {
    const places = this.#places.get(key);
    if (!places || places.size === 0) {
      this.#places.delete(key);
      this.#duplicates.delete(key);
      return this.resources.delete(key);
    }
    if (places.size > 1) this.#duplicates.add(key);
    else this.#duplicates.delete(key);
    const [first = ""] = places.size > 1 ? this.#sorted(places) : places;
    const resource = this.#contents.get(first)?.resources.get(key);
    if (!resource || this.resources.get(key) === resource) return false;
    this.resources.set(key, resource);
    return true;
  }

  #sorted(places: Iterable<string>): string[] {
    return [...places].sort((a, b) => (this.#order.get(a) ?? 0) - (this.#order.get(b) ?? 0));
  }
}

/** An object of a server has no line. */
function lineText({ origin }: Resource): string {
  return origin?.line ? `, in line ${origin.line}` : "";
}
