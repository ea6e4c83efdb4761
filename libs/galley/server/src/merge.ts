import type { Resource } from "@xebec/model-resources";
import { type ConfigError, type ConfigSource, type PlaceContent, placeKey } from "./config-source.ts";

export interface MergedConfig {
  /** By `keyOf`. */
  readonly resources: ReadonlyMap<string, Resource>;
  /** Those of the places, and objects that several places define. */
  readonly errors: readonly ConfigError[];
}

/**
 * The places of several sources, the first source's in front.
 * @returns undefined while one of them is not read: what it has would look deleted
 */
export function placesOf(sources: readonly ConfigSource[]): Map<string, PlaceContent> | undefined {
  const all = new Map<string, PlaceContent>();
  for (const source of sources) {
    const places = source.places();
    if (!places) return undefined;
    for (const [place, content] of places) all.set(place, content);
  }
  return all;
}

/** Puts the contents of places together. An object that several of them define is that of the first one. */
export function mergePlaces(places: ReadonlyMap<string, PlaceContent>): MergedConfig {
  const resources = new Map<string, Resource>();
  const errors: ConfigError[] = [];
  const duplicates: ConfigError[] = [];
  for (const [place, content] of places) {
    errors.push(...content.errors);
    for (const [key, resource] of content.resources) {
      const first = resources.get(key);
      if (!first) {
        resources.set(key, resource);
        continue;
      }
      duplicates.push({
        // An error of the place, not of the object: that is well, in the place that has it.
        object: placeKey(place),
        source: place,
        line: resource.origin?.line ?? 0,
        message: `metadata.name: ${resource.kind} ${resource.namespace}/${resource.name} is defined in ${first.origin?.source} already${first.origin?.line ? `, in line ${first.origin.line}` : ""}; that one is used, remove one of them`,
      });
    }
  }
  return { resources, errors: [...errors, ...duplicates] };
}
