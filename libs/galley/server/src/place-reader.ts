import type { RawObject } from "@xebec/core-yaml";
import { validateObject, violationsText } from "@xebec/galley-validate";
import { keyOf, type Resource } from "@xebec/model-resources";
import { type ConfigError, type PlaceContent, placeKey, type ValidationRules } from "./config-source.ts";

/** Collects the objects of one place: each is validated, and one that is refused keeps its last known good form. */
export class PlaceReader {
  readonly #place: string;
  readonly #before: PlaceContent;
  readonly #rules: ValidationRules;
  readonly #createdAt: (key: string) => string;
  readonly #resources = new Map<string, Resource>();
  readonly #errors: ConfigError[] = [];
  #count = 0;

  /**
   * @param place as it is shown to users
   * @param before what the place held until now
   * @param createdAt gives the time of an object that does not say when it was created, RFC 3339
   */
  constructor(place: string, before: PlaceContent, rules: ValidationRules, createdAt: (key: string) => string) {
    this.#place = place;
    this.#before = before;
    this.#rules = rules;
    this.#createdAt = createdAt;
  }

  /** How many objects there were, those of others included. */
  get count(): number {
    return this.#count;
  }

  get content(): PlaceContent {
    return { resources: this.#resources, errors: this.#errors };
  }

  /** @param raw line 0 for an object of a server, which counts its generations itself */
  add(raw: RawObject): void {
    this.#count++;
    const origin = { source: this.#place, ...(raw.line > 0 ? { line: raw.line } : {}) };
    const result = validateObject(raw, { ...this.#rules, origin });
    if (result.outcome === "foreign") return;
    if (result.outcome === "accepted") {
      this.#accept(result.resource, raw.line);
      return;
    }
    const key = result.identity && keyOf(result.identity);
    const [first] = result.violations;
    this.#errors.push({
      object: key ?? placeKey(this.#place),
      source: this.#place,
      line: first ? raw.lineOf(first.path) : raw.line,
      message: violationsText(result.violations),
    });
    const good = key === undefined ? undefined : this.#before.resources.get(key);
    if (key !== undefined && good) this.#resources.set(key, good);
  }

  /** A part of the place cannot be read. */
  fail(line: number, message: string): void {
    this.#errors.push({ object: placeKey(this.#place), source: this.#place, line, message });
  }

  /** What cannot be read might be any object of the place: none is withdrawn. */
  keepAll(): void {
    for (const [key, good] of this.#before.resources) if (!this.#resources.has(key)) this.#resources.set(key, good);
  }

  #accept(resource: Resource, line: number): void {
    const key = keyOf(resource);
    const first = this.#resources.get(key);
    if (first) {
      // An error of the place, not of the object: the first one of them is well.
      this.fail(
        line,
        `metadata.name: ${resource.kind} ${resource.namespace}/${resource.name} stands in this file twice; the one in line ${first.origin?.line} is used, remove one of them`,
      );
      return;
    }
    const { generation, ...rest } = resource;
    this.#resources.set(key, {
      ...rest,
      ...(line > 0 || generation === undefined ? {} : { generation }),
      creationTimestamp: resource.creationTimestamp ?? this.#createdAt(key),
    });
  }
}
