import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type RequestResources,
  RequestResourcesSchema,
  type Resources,
  type SinkNodeSchema,
} from "@xebec/api-mesh/istio/mcp/v1alpha1/mcp";
import { Turns } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import { type Collection, collectionNamed } from "./collections.ts";
import { decodeObject } from "./object.ts";

/** Codes of google.rpc.Status. */
const INVALID_ARGUMENT = 3;
const UNIMPLEMENTED = 12;
/** Longest reason in a refusal, and most objects of one collection. */
const MAX_REASON = 4_096;
const MAX_OBJECTS = 100_000;
/** Versions in a first request together: servers of Istio 1.1 take messages of 1 MiB. In characters. */
const MAX_VERSIONS = 500_000;

export interface SinkOptions {
  readonly collections: readonly Collection[];
  readonly node: MessageInitShape<typeof SinkNodeSchema>;
  /**
   * Takes an object over, as users write it, if it is valid.
   * @param name `NAMESPACE/NAME`, or `NAME` of what has no namespace
   * @returns what is wrong with it
   */
  put(collection: Collection, name: string, object: Record<string, unknown>): string | undefined;
  /** There is no such object any more. */
  remove(collection: Collection, name: string): void;
}

/** What a sink has of a source, over all streams to it: the last good form of what it was sent. */
export class Sink {
  readonly #options: SinkOptions;
  /** Versions of the objects that were taken over, by name, by collection. */
  readonly #has: ReadonlyMap<string, Map<string, string>>;
  readonly #received = new Set<string>();
  readonly #without = new Set<string>();

  constructor(options: SinkOptions) {
    this.#options = options;
    this.#has = new Map(options.collections.map(({ name }) => [name, new Map()]));
  }

  /** The collections of which nothing has come yet. */
  missing(): readonly string[] {
    return this.#asked().filter((name) => !this.#received.has(name));
  }

  /** The source does not have this collection: it is not asked for it again. @returns false when that is known, or nobody asked */
  without(collection: string): boolean {
    if (!this.#has.has(collection) || this.#without.has(collection)) return false;
    this.#without.add(collection);
    return true;
  }

  /** What is sent at the beginning of a stream. */
  requests(): RequestResources[] {
    return this.#asked().map((collection) => {
      const has = this.#has.get(collection) as Map<string, string>;
      let length = 0;
      for (const [name, version] of has) length += name.length + version.length;
      return create(RequestResourcesSchema, {
        ...{ sinkNode: this.#options.node, collection, incremental: true },
        initialResourceVersions: length <= MAX_VERSIONS ? Object.fromEntries(has) : {},
      });
    });
  }

  /** Takes a message over, in turns. @returns the answer to it: a refusal says why, and leaves what was good before */
  async take(message: Resources): Promise<RequestResources> {
    const { collection: name, nonce } = message;
    const answer = { sinkNode: this.#options.node, collection: name, responseNonce: nonce, incremental: true };
    const collection = this.#has.has(name) ? collectionNamed(name) : undefined;
    const problems = collection ? await this.#apply(collection, message) : [`unsupported collection ${name}`];
    if (problems.length === 0) return create(RequestResourcesSchema, answer);
    const reason = problems.join("; ").slice(0, MAX_REASON);
    const errorDetail = { code: collection ? INVALID_ARGUMENT : UNIMPLEMENTED, message: reason };
    return create(RequestResourcesSchema, { ...answer, errorDetail });
  }

  #asked(): string[] {
    return [...this.#has.keys()].filter((name) => !this.#without.has(name));
  }

  async #apply(collection: Collection, message: Resources): Promise<readonly string[]> {
    const { resources, removedResources, incremental } = message;
    const has = this.#has.get(collection.name) as Map<string, string>;
    if ((incremental ? has.size : 0) + resources.length > MAX_OBJECTS)
      return [`${collection.name} has more than ${MAX_OBJECTS} objects`];
    const problems: string[] = [];
    const named = new Set<string>();
    const turns = new Turns(256, 8);
    for (const resource of resources) {
      const { name = "", version = "" } = resource.metadata ?? {};
      named.add(name);
      try {
        const problem = this.#options.put(collection, name, decodeObject(collection, resource));
        if (problem !== undefined) problems.push(problem);
        // A version without what it stands for would never come again; what is there is known all the same, since it can be removed.
        has.set(name, problem === undefined ? version : "");
      } catch (error) {
        problems.push(XebecError.from(error).message);
      }
      await turns.next();
    }
    for (const name of incremental ? removedResources : [...has.keys()].filter((each) => !named.has(each))) {
      has.delete(name);
      this.#options.remove(collection, name);
    }
    this.#received.add(collection.name);
    return problems;
  }
}
