import { readManifest } from "@xebec/core-yaml";
import { type ConfigSource, NO_CONTENT, type PlaceContent, type SourceHost } from "./config-source.ts";
import { PlaceReader } from "./place-reader.ts";

/** A source that holds what a test puts into it, in one place, as an API server would. */
export class MemorySource implements ConfigSource {
  readonly name: string;
  readonly #created = new Date("2026-01-01T00:00:00Z");
  /** Objects as Kubernetes has them, by a name of the test. */
  readonly #objects = new Map<string, object>();
  #host: SourceHost | undefined;
  #content: PlaceContent | undefined;

  /** @param name also of its place */
  constructor(name = "memory") {
    this.name = name;
  }

  /** What is there at the start: more may be put before. */
  put(name: string, object: object): void {
    this.#objects.set(name, object);
    if (this.#content) this.#read();
  }

  remove(name: string): void {
    this.#objects.delete(name);
    if (this.#content) this.#read();
  }

  /** Everything was read: as a list call of an API server returns. */
  sync(): void {
    this.#read();
    this.#host?.earlier.settle((place) => place === this.name);
  }

  async start(host: SourceHost): Promise<void> {
    this.#host = host;
  }

  places(): ReadonlyMap<string, PlaceContent> | undefined {
    return this.#content && new Map([[this.name, this.#content]]);
  }

  async revalidate(): Promise<void> {
    this.#content = this.#contentNow();
  }

  missing(): readonly string[] {
    return this.#content ? [] : [`${this.name} is not read yet`];
  }

  async close(): Promise<void> {
    this.#host = undefined;
  }

  #read(): void {
    this.#content = this.#contentNow();
    this.#host?.changed();
  }

  #contentNow(): PlaceContent {
    const host = this.#host;
    if (!host) return NO_CONTENT;
    const created = this.#content ? undefined : this.#created;
    const before = this.#content ?? host.earlier.of(this.name);
    const reader = new PlaceReader(this.name, before, host.rules(), (key) => host.createdAt(key, created));
    for (const each of this.#objects.values())
      for (const raw of readManifest(JSON.stringify(each)).objects) reader.add(raw);
    return reader.content;
  }
}
