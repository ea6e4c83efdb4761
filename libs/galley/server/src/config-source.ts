import type { MixerContext } from "@xebec/galley-validate";
import type { Resource } from "@xebec/model-resources";

/** Something that is wrong in a source: what `xebec status` and the log show. */
export interface ConfigError {
  /** `keyOf` of the object when it is known and no other form of it is in use elsewhere, else `placeKey` of the place. */
  readonly object: string;
  /** The place in the source: a file's path, as it is shown to users. */
  readonly source: string;
  /** From 1; 0 in a place that has no lines. */
  readonly line: number;
  /** Every violation with its field; one sentence each. */
  readonly message: string;
}

/** The objects of one place: a file, or all that a server has. */
export interface PlaceContent {
  /** By `keyOf`. An object whose newest form is refused is here in its last known good form, where there is one. */
  readonly resources: ReadonlyMap<string, Resource>;
  readonly errors: readonly ConfigError[];
}

export const NO_CONTENT: PlaceContent = { resources: new Map(), errors: [] };

/** What objects are validated against. */
export interface ValidationRules {
  /** Namespace of an object that names none. */
  readonly defaultNamespace?: string;
  /** Namespace of the control plane, where the mesh configuration is (`istio-system`). */
  readonly systemNamespace?: string;
  readonly mixer: MixerContext;
}

/** What an earlier run has left of a source. */
export interface EarlierContent {
  /** What a place held when it was last good. */
  of(place: string): PlaceContent;
  /** An object as it was published last. */
  object(key: string): Resource | undefined;
  /** The place was deleted: what it held does not come back. */
  forget(place: string): void;
  /** Everything was read once: of places that were not found only those that `keeps` names may come back as they were. */
  settle(keeps: (place: string) => boolean): void;
}

/** What a source gets from whoever publishes its objects. */
export interface SourceHost {
  /** What objects are validated against now. */
  rules(): ValidationRules;
  readonly earlier: EarlierContent;
  /**
   * When an object that does not say so was created, RFC 3339.
   * @param sourceCreated while everything is read for the first time: when the source was made
   */
  createdAt(key: string, sourceCreated: Date | undefined): string;
  /** To be called when `places` gives something else than before. */
  changed(): void;
}

/**
 * Where configuration comes from: a directory, an API server. A source reads, validates each object and remembers what is there;
 * publishing, retry, precedence, conditions and what outlasts a restart are the publisher's (`config-publisher.ts`).
 */
export interface ConfigSource {
  /** In the log: `directory /etc/config`. */
  readonly name: string;
  /** Begins to follow what is there. It may not be there yet: that is not an error, but missing. */
  start(host: SourceHost, signal: AbortSignal): Promise<void>;
  /**
   * Everything that is there now, by place, the place that counts first in front. No other source has a place of the same name.
   * @returns undefined until everything was read once; never again after that, whatever the source loses
   */
  places(): ReadonlyMap<string, PlaceContent> | undefined;
  /** The rules are others: validates again what depends on them. */
  revalidate(): Promise<void>;
  /** Its health: why not everything was read yet, a sentence each; empty when all is well. */
  missing(): readonly string[];
  /** Ends it. `changed` is not called any more. */
  close(): Promise<void>;
}

/** The key of a place in conditions, for what is wrong with no single object. */
export function placeKey(place: string): string {
  return `file/${place}`;
}
