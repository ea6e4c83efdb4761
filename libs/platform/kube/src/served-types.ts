import type { IncomingMessage } from "node:http";
import { sleep } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import type { KubeClient } from "./client.ts";
import { isNotFound } from "./kube-error.ts";

const log = logger("kube");

/** The type with all versions in which the server has it, by `<group>/<plural>`. */
export type ServedTypes = ReadonlyMap<string, readonly string[]>;

export interface TypeDiscoveryOptions {
  readonly client: KubeClient;
  /** Groups that are asked for where the server cannot list all at once. */
  readonly groups: readonly string[];
  /** Told when it is something else than before. */
  changed(types: ServedTypes): void;
  /** How often is looked, in milliseconds (2 s). An answer that did not change has no body. */
  readonly everyMs?: number;
}

const EVERY_MS = 2_000;
const AGGREGATED =
  "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

interface GroupList {
  readonly kind?: string;
  readonly items?: readonly {
    readonly metadata?: { readonly name?: string };
    readonly versions?: readonly {
      readonly version?: string;
      readonly freshness?: string;
      readonly resources?: readonly { readonly resource?: string }[];
    }[];
  }[];
  readonly groups?: readonly {
    readonly name?: string;
    readonly versions?: readonly { readonly version?: string }[];
  }[];
}

/**
 * Looks which types a server has, so that nobody asks for those of CRDs that are not installed, and those that are installed later
 * are found. Everybody who may sign in may ask for it.
 */
export function createTypeDiscovery(options: TypeDiscoveryOptions): Component {
  return new TypeDiscovery(options);
}

class TypeDiscovery implements Component {
  readonly name = "types of the API server";
  readonly #options: TypeDiscoveryOptions;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #etag: string | undefined;
  #known = "";
  #problem: string | undefined;
  #isRead = false;

  constructor(options: TypeDiscoveryOptions) {
    this.#options = options;
  }

  missing(): readonly string[] {
    return this.#isRead ? [] : [`they are not known yet${this.#problem ? `: ${this.#problem}` : ""}`];
  }

  async start(signal: AbortSignal): Promise<void> {
    this.#running = this.#run(AbortSignal.any([signal, this.#stop.signal]));
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const types = await this.#read(signal);
        if (types) this.#found(types);
        this.#problem = undefined;
      } catch (error) {
        if (signal.aborted) return;
        const { message } = XebecError.from(error);
        if (message !== this.#problem) log.warn({ err: error }, message);
        this.#problem = message;
      }
      await sleep(this.#options.everyMs ?? EVERY_MS, signal);
    }
  }

  #found(types: ServedTypes): void {
    this.#isRead = true;
    const text = JSON.stringify([...types].sort(([a], [b]) => (a < b ? -1 : 1)));
    if (text === this.#known) return;
    this.#known = text;
    this.#options.changed(types);
  }

  /** @returns undefined when nothing changed */
  async #read(signal: AbortSignal): Promise<ServedTypes | undefined> {
    const { client } = this.#options;
    let etag: string | undefined;
    const list = await client.call<GroupList | undefined>({
      ...{ method: "GET", path: "/apis", accept: AGGREGATED, signal },
      ...(this.#etag ? { headers: { "if-none-match": this.#etag } } : {}),
      answered: (answer: IncomingMessage) => {
        etag = answer.headers.etag;
      },
    });
    if (list === undefined) return undefined;
    const types = list.items ? typesOf(list) : await this.#readGroups(list, signal);
    // Kept at the end: an answer that could not be read is read again.
    this.#etag = list.items ? etag : undefined;
    return types;
  }

  /** For servers before 1.27: a request for each version. */
  async #readGroups({ groups = [] }: GroupList, signal: AbortSignal): Promise<ServedTypes> {
    const types = new Map<string, string[]>();
    for (const { name = "", versions = [] } of groups) {
      if (!this.#options.groups.includes(name)) continue;
      for (const { version = "" } of versions) {
        const path = `/apis/${name}/${version}`;
        const list = await this.#options.client
          .call<{ readonly resources?: readonly { readonly name?: string }[] }>({ method: "GET", path, signal })
          .catch((error: unknown) => {
            if (isNotFound(error)) return { resources: [] };
            throw error;
          });
        for (const each of list.resources ?? []) add(types, name, each.name, version);
      }
    }
    return types;
  }
}

function typesOf({ items = [] }: GroupList): ServedTypes {
  const types = new Map<string, string[]>();
  for (const { metadata, versions = [] } of items)
    for (const { version = "", resources = [] } of versions)
      for (const { resource } of resources) add(types, metadata?.name ?? "", resource, version);
  return types;
}

function add(types: Map<string, string[]>, group: string, plural: string | undefined, version: string): void {
  if (plural === undefined || plural.includes("/")) return;
  const key = `${group}/${plural}`;
  const known = types.get(key);
  if (known) known.push(version);
  else types.set(key, [version]);
}
