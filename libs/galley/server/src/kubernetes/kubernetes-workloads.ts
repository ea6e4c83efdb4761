import { isDeepStrictEqual } from "node:util";
import { backoff, Coalescer, sleep } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import { encodeWorkloadRecord, type PodRecord, type ServiceRecord, type WorkloadRecord } from "@xebec/model-workloads";
import { type Bus, createRevisionWriter, type RevisionWriter } from "@xebec/platform-bus";
import {
  createReflector,
  type KubeClient,
  type KubeObject,
  RESOURCES,
  type Reflector,
  type ReflectorChange,
  type ReflectorTimes,
  type ResourceType,
} from "@xebec/platform-kube";
import { endpointsRecordOf, type Slice, sliceOf } from "./endpoints-record.ts";
import type { NamespaceFilter } from "./namespace-filter.ts";
import { atNodePorts, nodeSelectorOf, type OuterNode, outerNodeOf } from "./node-port-gateway.ts";
import { localityOfNode, PLACE_LABELS, podRecordOf } from "./pod-record.ts";
import { Quiet } from "./quiet.ts";
import { serviceRecordOf } from "./service-record.ts";

const log = logger("workloads");
const RETRY = { baseMs: 500, maxMs: 10_000 };
const NAME = "Kubernetes";

export interface KubernetesWorkloadsOptions {
  readonly client: KubeClient;
  readonly bus: Bus;
  /** DNS suffix of services: `cluster.local`. */
  readonly domain: string;
  /** Records of other namespaces are not published. */
  readonly namespaces: Pick<NamespaceFilter, "admits" | "isReady" | "onChange">;
  readonly times?: Partial<ReflectorTimes>;
}

/**
 * Publishes Services, EndpointSlices, Pods and Nodes of an API server in the bucket `workloads`. One process at a time does so.
 * Nothing is published before everything was listed once: what is missing would look deleted.
 */
export function createKubernetesWorkloads(options: KubernetesWorkloadsOptions): Component {
  return new KubernetesWorkloads(options);
}

class KubernetesWorkloads implements Component {
  readonly name = "workloads of Kubernetes";
  readonly #writer: RevisionWriter;
  readonly #reflectors: readonly Reflector[];
  /** Slices by service (`<namespace>/<name>`), then by their own key. */
  readonly #slices = new Map<string, Map<string, Slice>>();
  readonly #serviceOfSlice = new Map<string, string>();
  readonly #localities = new Map<string, string>();
  /** Nodes with an external address, by name. */
  readonly #outerNodes = new Map<string, OuterNode>();
  /** Services that are reached at ports of nodes, by `<namespace>/<name>`. */
  readonly #atNodePorts = new Map<string, Service>();
  /** Names of pods by node: their locality follows the node's labels. */
  readonly #podsOfNode = new Map<string, Set<string>>();
  readonly #records = new Map<string, WorkloadRecord>();
  /** Keys of records that are not published yet. */
  readonly #changed = new Set<string>();
  readonly #quiet = new Quiet(() => void this.#publish.request());
  readonly #publish = new Coalescer(() => this.#publishChanges());
  readonly #stop = new AbortController();
  readonly #namespaces: KubernetesWorkloadsOptions["namespaces"];
  #unwatch: (() => void) | undefined;
  #isWholeDue = true;
  #failures = 0;
  #problem: string | undefined;

  constructor({ client, bus, domain, namespaces, times }: KubernetesWorkloadsOptions) {
    this.#namespaces = namespaces;
    this.#writer = createRevisionWriter({ bus, bucket: "workloads", source: "kubernetes" });
    const follow = <T>(
      type: ResourceType,
      project: (object: KubeObject) => T | undefined,
      changed: (change: ReflectorChange<T>) => void,
    ): Reflector =>
      createReflector<T>({
        ...{ client, type, project, ...(times ? { times } : {}) },
        changed: (change) => {
          changed(change);
          this.#touched();
        },
      });
    this.#reflectors = [
      follow(RESOURCES.nodes, nodeOf, (change) => this.#nodes(change)),
      follow(
        RESOURCES.services,
        (object) => ({ record: serviceRecordOf(object, domain), selector: nodeSelectorOf(object) }),
        ({ puts, deletes }) => {
          for (const key of deletes) this.#putService(key, undefined);
          for (const [key, service] of puts) this.#putService(key, service);
        },
      ),
      follow(RESOURCES.endpointSlices, sliceOf, (change) => this.#endpoints(change)),
      follow(RESOURCES.pods, podRecordOf, ({ puts, deletes }) => {
        for (const key of deletes) this.#putPod(key, undefined);
        for (const [key, record] of puts) this.#putPod(key, record);
      }),
    ];
  }

  missing(): readonly string[] {
    return [
      ...this.#reflectors.flatMap((each) => each.missing()),
      ...(this.#problem ? [this.#problem] : []),
      ...(this.#writer.missing?.() ?? []),
    ];
  }

  async start(signal: AbortSignal): Promise<void> {
    this.#unwatch = this.#namespaces.onChange((changed) => {
      for (const key of this.#records.keys()) if (changed(namespaceOf(key))) this.#changed.add(key);
      this.#touched();
    });
    await this.#writer.start(signal);
    for (const each of this.#reflectors) await each.start(signal);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#unwatch?.();
    this.#quiet.close();
    await Promise.all(this.#reflectors.map((each) => each.close?.()));
    await this.#writer.close?.();
    await this.#publish.request();
  }

  /** A Service, also one at ports of nodes. @param key `<namespace>/<name>` */
  #putService(key: string, service: Service | undefined): void {
    if (service?.selector) this.#atNodePorts.set(key, service);
    else this.#atNodePorts.delete(key);
    const { record, selector } = service ?? {};
    this.#put(`service/${key}`, record && selector ? atNodePorts(record, selector, this.#outerNodes.values()) : record);
  }

  #nodes({ puts, deletes }: ReflectorChange<Node>): void {
    let hasOthers = false;
    const take = (name: string, node: Node | undefined): void => {
      this.#node(name, node?.labels);
      if (isDeepStrictEqual(this.#outerNodes.get(name), node?.outer)) return;
      hasOthers = true;
      if (node?.outer) this.#outerNodes.set(name, node.outer);
      else this.#outerNodes.delete(name);
    };
    for (const name of deletes) take(name, undefined);
    for (const [name, node] of puts) take(name, node);
    if (hasOthers) for (const [key, service] of this.#atNodePorts) this.#putService(key, service);
  }

  #node(name: string, labels: Readonly<Record<string, string>> | undefined): void {
    this.#put(`node/${name}`, labels && { type: "node", name, labels });
    const locality = labels ? localityOfNode(labels) : "";
    if ((this.#localities.get(name) ?? "") === locality) return;
    if (locality) this.#localities.set(name, locality);
    else this.#localities.delete(name);
    for (const pod of this.#podsOfNode.get(name) ?? []) {
      const record = this.#records.get(`pod/${pod}`);
      if (record?.type === "pod") this.#put(`pod/${pod}`, this.#placed(record));
    }
  }

  #putPod(key: string, record: PodRecord | undefined): void {
    const before = this.#records.get(`pod/${key}`);
    const node = before?.type === "pod" ? before.node : undefined;
    if (node && node !== record?.node) {
      const pods = this.#podsOfNode.get(node);
      pods?.delete(key);
      if (pods?.size === 0) this.#podsOfNode.delete(node);
    }
    if (record?.node) {
      const pods = this.#podsOfNode.get(record.node);
      if (pods) pods.add(key);
      else this.#podsOfNode.set(record.node, new Set([key]));
    }
    this.#put(`pod/${key}`, record && this.#placed(record));
  }

  #placed({ locality: _, ...record }: PodRecord): PodRecord {
    const locality = record.node === undefined ? undefined : this.#localities.get(record.node);
    return { ...record, ...(locality ? { locality } : {}) };
  }

  #endpoints({ puts, deletes }: ReflectorChange<Slice>): void {
    const stale = new Set<string>();
    const drop = (key: string): void => {
      const service = this.#serviceOfSlice.get(key);
      if (service === undefined) return;
      this.#serviceOfSlice.delete(key);
      const slices = this.#slices.get(service);
      slices?.delete(key);
      if (slices?.size === 0) this.#slices.delete(service);
      stale.add(service);
    };
    for (const key of deletes) drop(key);
    for (const [key, slice] of puts) {
      const service = `${slice.namespace}/${slice.service}`;
      if (this.#serviceOfSlice.get(key) !== service) drop(key);
      this.#serviceOfSlice.set(key, service);
      const slices = this.#slices.get(service) ?? new Map<string, Slice>();
      slices.set(key, slice);
      this.#slices.set(service, slices);
      stale.add(service);
    }
    for (const service of stale) {
      const slices = this.#slices.get(service);
      const [namespace = "", name = ""] = service.split("/");
      this.#put(`endpoints/${service}`, slices && endpointsRecordOf(namespace, name, slices.values()));
    }
  }

  #put(key: string, record: WorkloadRecord | undefined): void {
    if (record) this.#records.set(key, record);
    else if (!this.#records.delete(key)) return;
    // When its namespace is selected, or is not any more, everything of it changes.
    if (this.#admits(key)) this.#changed.add(key);
  }

  #touched(): void {
    if (!this.#isListed || (this.#isWholeDue ? this.#records : this.#changed).size === 0) return;
    if (this.#isWholeDue) this.#quiet.now();
    else this.#quiet.touch();
  }

  get #isListed(): boolean {
    return this.#namespaces.isReady && this.#reflectors.every((each) => each.synced);
  }

  #admits(key: string): boolean {
    return this.#namespaces.admits?.(namespaceOf(key)) ?? true;
  }

  async #publishChanges(): Promise<void> {
    if (this.#stop.signal.aborted || !this.#isListed) return;
    const keys = [...this.#changed];
    this.#changed.clear();
    try {
      if (this.#isWholeDue) await this.#writer.replace(this.#encoded(this.#records.keys()).puts);
      else await this.#writer.apply(this.#encoded(keys));
      this.#isWholeDue = false;
      this.#failures = 0;
      this.#problem = undefined;
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#isWholeDue = true;
      this.#problem = `the workloads cannot be published: ${XebecError.from(error).message}`;
      log.error({ err: error, registry: NAME }, "the workloads cannot be published; trying again");
      void sleep(backoff(this.#failures++, RETRY), this.#stop.signal).then(() => this.#publish.request());
    }
  }

  #encoded(keys: Iterable<string>): { puts: Map<string, Uint8Array>; deletes: Set<string> } {
    const puts = new Map<string, Uint8Array>();
    const deletes = new Set<string>();
    for (const key of keys) {
      const record = this.#records.get(key);
      if (record && this.#admits(key)) puts.set(key, encodeWorkloadRecord(record));
      else deletes.add(key);
    }
    return { puts, deletes };
  }
}

/** The namespace of a record, by its key; empty for a node. */
function namespaceOf(key: string): string {
  const [, namespace = "", name] = key.split("/");
  return name === undefined ? "" : namespace;
}

/** What is needed of a Service. @property selector nodes at whose ports it is reached */
interface Service {
  readonly record: ServiceRecord;
  readonly selector?: Readonly<Record<string, string>> | undefined;
}

/** What is needed of a Node. @property labels those that say where it is */
interface Node {
  readonly labels: Readonly<Record<string, string>>;
  readonly outer?: OuterNode | undefined;
}

function nodeOf(object: KubeObject): Node {
  const labels = Object.entries(object.metadata.labels ?? {}).filter(([key]) => PLACE_LABELS.has(key));
  return { labels: Object.fromEntries(labels), outer: outerNodeOf(object) };
}
