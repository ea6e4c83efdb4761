import { backoff, Coalescer, sleep } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import { type DiscoverySelectors, selectsNamespace } from "@xebec/model-resources";
import { createReflector, type KubeClient, RESOURCES, type Reflector, serverSideApply } from "@xebec/platform-kube";
import { discoverySelectorsOf, MESH_CONFIG_MAP } from "./discovery-selectors.ts";
import { installationOwner, type OwnerReference } from "./owner.ts";

const log = logger("ca");
const NAME = "istio-ca-root-cert";
const KEY = "root-cert.pem";
/** Where Istio 1.1 has it, Base64 in PEM's place (docs/reference/platform.md §1.7). */
const LEGACY = { name: "istio-security", key: "caTLSRootCert" };
/** Each installation has a manager of its own: an owner that one of them applies is not taken away by another. */
const managerOf = (namespace: string): string => `xebec-citadel${namespace === "istio-system" ? "" : `-${namespace}`}`;
/** Namespaces that have no workloads of users. */
const LEFT_OUT: ReadonlySet<string> = new Set(["kube-public", "kube-node-lease", "local-path-storage"]);
/** Most namespaces that are written at the same time. */
const AT_ONCE = 8;
const RETRY = { baseMs: 500, maxMs: 10_000 };

/** What a namespace has. */
interface Found {
  readonly text: string;
  /** The uids of those that it goes with. */
  readonly owners: readonly string[];
}

export interface RootPublisherOptions {
  readonly client: KubeClient;
  /** Citadel's own. */
  readonly namespace: string;
  /** The trusted roots now, PEM. */
  roots(): string;
  /** Calls when they are others. @returns ends it */
  onChange(changed: () => void): () => void;
}

/**
 * Keeps the config map `istio-ca-root-cert`, from which pods take the roots, in every namespace that the mesh configuration's
 * `discoverySelectors` choose, and `istio-security` in citadel's own. It goes with the last installation that wants it. What somebody changes or deletes is put right. One replica does so.
 * What a namespace has that is not chosen any more stays, for the pods that run there.
 */
export function createRootPublisher(options: RootPublisherOptions): Component {
  return new RootPublisher(options);
}

class RootPublisher implements Component {
  readonly name = "roots in config maps";
  readonly #options: RootPublisherOptions;
  readonly #reflectors: readonly Reflector[];
  /** Labels by namespace. */
  readonly #namespaces = new Map<string, Readonly<Record<string, string>>>();
  #selectors: DiscoverySelectors = [];
  /** What each namespace has. */
  readonly #found = new Map<string, Found>();
  readonly #write = new Coalescer(() => this.#writeAll());
  readonly #stop = new AbortController();
  #unwatch: (() => void) | undefined;
  #legacy = "";
  #failures = 0;
  #owners: readonly OwnerReference[] | undefined;

  constructor(options: RootPublisherOptions) {
    this.#options = options;
    const { client, namespace } = options;
    this.#reflectors = [
      createReflector<Readonly<Record<string, string>>>({
        ...{ client, type: RESOURCES.namespaces },
        project: ({ metadata: { name, deletionTimestamp, labels = {} } }) =>
          deletionTimestamp || LEFT_OUT.has(name) ? undefined : labels,
        changed: ({ puts, deletes }) => {
          for (const name of deletes) this.#namespaces.delete(name);
          for (const [name, labels] of puts) this.#namespaces.set(name, labels);
          void this.#write.request();
        },
      }),
      createReflector<DiscoverySelectors | "unreadable">({
        ...{ client, type: RESOURCES.configMaps, namespace, fieldSelector: `metadata.name=${MESH_CONFIG_MAP}` },
        project: (object) => discoverySelectorsOf(object) ?? "unreadable",
        changed: ({ puts, deletes }) => {
          if (deletes.size > 0) this.#selectors = [];
          // Of a mesh configuration that cannot be read the one before holds, as galley keeps it.
          for (const selectors of puts.values()) if (selectors !== "unreadable") this.#selectors = selectors;
          void this.#write.request();
        },
      }),
      createReflector<Found>({
        ...{ client, type: RESOURCES.configMaps, fieldSelector: `metadata.name=${NAME}` },
        project: ({ data, metadata: { ownerReferences = [] } }) => ({
          text: (data as Readonly<Record<string, string>> | undefined)?.[KEY] ?? "",
          owners: (ownerReferences as readonly OwnerReference[]).map(({ uid }) => uid),
        }),
        changed: ({ puts, deletes }) => {
          for (const key of deletes) this.#found.delete(namespaceOf(key));
          for (const [key, found] of puts) this.#found.set(namespaceOf(key), found);
          void this.#write.request();
        },
      }),
    ];
  }

  missing(): readonly string[] {
    return this.#reflectors.flatMap((each) => each.missing());
  }

  async start(signal: AbortSignal): Promise<void> {
    this.#unwatch = this.#options.onChange(() => void this.#write.request());
    for (const each of this.#reflectors) await each.start(signal);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#unwatch?.();
    await Promise.all(this.#reflectors.map((each) => each.close?.()));
    await this.#write.request();
  }

  async #writeAll(): Promise<void> {
    if (this.#stop.signal.aborted || !this.#reflectors.every((each) => each.synced)) return;
    const roots = this.#options.roots();
    const chosen = [...this.#namespaces].flatMap(([name, labels]) =>
      selectsNamespace(this.#selectors, labels) ? name : [],
    );
    const own = await this.#ownUids();
    const due = chosen.filter((each) => {
      const { text, owners } = this.#found.get(each) ?? { text: undefined, owners: [] };
      return text !== roots || own.some((uid) => !owners.includes(uid));
    });
    const results: boolean[] = [];
    if (this.#legacy !== roots)
      results.push(
        await this.#apply(this.#options.namespace, LEGACY.name, LEGACY.key, Buffer.from(roots).toString("base64"), {}),
      );
    if (results.every(Boolean)) this.#legacy = roots;
    while (due.length > 0 && !this.#stop.signal.aborted)
      results.push(
        ...(await Promise.all(
          due.splice(0, AT_ONCE).map(async (namespace) => {
            const isDone = await this.#apply(namespace, NAME, KEY, roots, { "istio.io/config": "true" });
            if (isDone) this.#found.set(namespace, { text: roots, owners: own });
            return isDone;
          }),
        )),
      );
    if (results.every(Boolean)) this.#failures = 0;
    else void sleep(backoff(this.#failures++, RETRY), this.#stop.signal).then(() => this.#write.request());
  }

  async #owner(): Promise<readonly OwnerReference[]> {
    this.#owners ??= await installationOwner(this.#options.client, this.#options.namespace);
    return this.#owners;
  }

  /** The owners that each must have; none as long as they cannot be read, which writing says. */
  async #ownUids(): Promise<readonly string[]> {
    return this.#owner().then(
      (owners) => owners.map(({ uid }) => uid),
      () => [],
    );
  }

  async #apply(
    namespace: string,
    name: string,
    key: string,
    text: string,
    labels: Readonly<Record<string, string>>,
  ): Promise<boolean> {
    try {
      await serverSideApply(
        this.#options.client,
        RESOURCES.configMaps,
        { metadata: { namespace, name, labels, ownerReferences: await this.#owner() }, data: { [key]: text } },
        // Who trusts whom is citadel's to say.
        { fieldManager: managerOf(this.#options.namespace), force: true, signal: this.#stop.signal },
      );
      return true;
    } catch (error) {
      if (this.#stop.signal.aborted) return true;
      const { code, message } = XebecError.from(error);
      // A namespace that ends takes nothing new, and its end comes as a change.
      if (code === "not_found" || /being terminated/.test(message)) return true;
      log.warn({ err: error, namespace, configMap: name }, "the roots cannot be written; trying again");
      return false;
    }
  }
}

function namespaceOf(key: string): string {
  return key.slice(0, key.indexOf("/"));
}
