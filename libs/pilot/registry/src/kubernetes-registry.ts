import type { Turns } from "@xebec/core-async";
import { logger } from "@xebec/core-log";
import {
  type EndpointsRecord,
  type PodRecord,
  type ServiceRecord,
  type WorkloadRecord,
  workloadKey,
} from "@xebec/model-workloads";
import { endpointsFromRecord, endpointsOfExternalName, serviceFromRecord } from "./from-kubernetes.ts";
import { RegistryListeners } from "./listeners.ts";
import type { RecordChange, RecordSource } from "./record-source.ts";
import type { MeshService, ServiceDefinition } from "./service.ts";
import type { RegistryListener, RegistryState, ServiceRegistry } from "./service-registry.ts";

const log = logger("registry");

/** What changed, while it is collected. */
interface Change {
  readonly services: Map<string, ServiceDefinition | undefined>;
  readonly pods: Map<string, PodRecord | undefined>;
  /** Services (`<namespace>/<name>`) whose endpoints have to be made anew. */
  readonly stale: Set<string>;
}

/** Services, endpoints and pods in Kubernetes' form. */
export class KubernetesRegistry implements ServiceRegistry {
  readonly name = "Kubernetes";
  readonly #source: RecordSource | undefined;
  readonly #listeners = new RegistryListeners();
  readonly #definitions = new Map<string, ServiceDefinition>();
  readonly #pods = new Map<string, PodRecord>();
  /** By `<namespace>/<name>`, as the next two. */
  readonly #services = new Map<string, { readonly record: ServiceRecord; readonly service: MeshService }>();
  readonly #endpoints = new Map<string, EndpointsRecord>();
  /** Endpoints that name a pod. */
  readonly #endpointsOfPod = new Map<string, Set<string>>();

  /** @param source absent for one that is only given records by `apply` */
  constructor(source?: RecordSource) {
    this.#source = source;
  }

  get state(): RegistryState {
    return { services: this.#definitions, pods: this.#pods };
  }

  watch(listener: RegistryListener): void {
    this.#listeners.add(listener);
  }

  async start(signal: AbortSignal): Promise<void> {
    await this.#source?.start((change, turns) => this.applyInTurns(change, turns), signal);
  }

  missing(): readonly string[] {
    return this.#source?.missing() ?? [];
  }

  async close(): Promise<void> {
    await this.#source?.close();
  }

  /** Takes records that changed at once. One that cannot be translated is logged and keeps its last good form; all others count. */
  apply(change: RecordChange): void {
    const steps = this.#steps(change);
    while (!steps.next().done);
  }

  /** The same in turns of the event loop, until the listeners are done, too. Nothing else may be applied meanwhile. */
  async applyInTurns(change: RecordChange, turns: Turns): Promise<void> {
    const steps = this.#steps(change, turns);
    for (;;) {
      const { done, value } = steps.next();
      if (done) return value;
      const turn = turns.next();
      if (turn) await turn;
    }
  }

  /** How many pods some endpoints name. */
  get podsNamed(): number {
    return this.#endpointsOfPod.size;
  }

  /** Takes one record, or makes the endpoints of one service, at each step. */
  *#steps({ puts, deletes }: RecordChange, turns?: Turns): Generator<undefined, Promise<void> | undefined> {
    const change: Change = { services: new Map(), pods: new Map(), stale: new Set() };
    for (const key of deletes) {
      guarded(key, () => this.#put(key, undefined, change));
      yield;
    }
    for (const record of puts) {
      const key = workloadKey(record);
      guarded(key, () => this.#put(key, record, change));
      yield;
    }
    // Endpoints at the end: they are made of a service and of pods, in whatever order these came.
    for (const name of change.stale) {
      guarded(`endpoints/${name}`, () => this.#define(name, change));
      yield;
    }
    return this.#listeners.call({ services: change.services, pods: change.pods }, turns);
  }

  #put(key: string, record: WorkloadRecord | undefined, change: Change): void {
    const [type, ...rest] = key.split("/");
    const name = rest.join("/");
    if (type === "service") this.#putService(name, record?.type === "service" ? record : undefined, change);
    else if (type === "endpoints") this.#putEndpoints(name, record?.type === "endpoints" ? record : undefined, change);
    else if (type === "pod") this.#putPod(name, record?.type === "pod" ? record : undefined, change);
  }

  #putService(name: string, record: ServiceRecord | undefined, change: Change): void {
    const after = record && { record, service: serviceFromRecord(record) };
    const before = this.#services.get(name);
    if (before && before.service.id !== after?.service.id) this.#set(before.service.id, undefined, change);
    if (after) this.#services.set(name, after);
    else this.#services.delete(name);
    change.stale.add(name);
  }

  #putEndpoints(name: string, record: EndpointsRecord | undefined, change: Change): void {
    const pods = podsOf(record);
    for (const pod of podsOf(this.#endpoints.get(name))) {
      const readers = this.#endpointsOfPod.get(pod);
      readers?.delete(name);
      // Names of pods never come again.
      if (readers?.size === 0) this.#endpointsOfPod.delete(pod);
    }
    if (record) this.#endpoints.set(name, record);
    else this.#endpoints.delete(name);
    for (const pod of pods) {
      const readers = this.#endpointsOfPod.get(pod);
      if (readers) readers.add(name);
      else this.#endpointsOfPod.set(pod, new Set([name]));
    }
    change.stale.add(name);
  }

  #putPod(name: string, pod: PodRecord | undefined, change: Change): void {
    if (pod) this.#pods.set(name, pod);
    else this.#pods.delete(name);
    change.pods.set(name, pod);
    for (const endpoints of this.#endpointsOfPod.get(name) ?? []) change.stale.add(endpoints);
  }

  /** Makes a service anew with its endpoints. */
  #define(name: string, change: Change): void {
    const known = this.#services.get(name);
    if (!known) return;
    const { record, service } = known;
    const endpoints = this.#endpoints.get(name);
    const made = record.externalName
      ? endpointsOfExternalName(record)
      : endpoints
        ? endpointsFromRecord(endpoints, (pod) => this.#pods.get(pod))
        : [];
    this.#set(service.id, { service, endpoints: made }, change);
  }

  #set(id: string, definition: ServiceDefinition | undefined, change: Change): void {
    if (definition) this.#definitions.set(id, definition);
    else this.#definitions.delete(id);
    change.services.set(id, definition);
  }
}

function podsOf(record: EndpointsRecord | undefined): string[] {
  return (record?.subsets ?? []).flatMap((subset) => subset.addresses.flatMap((each) => (each.pod ? [each.pod] : [])));
}

/** Runs what reads one record; what is wrong with it disturbs no other. */
function guarded(key: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    log.error({ err: error, record: key }, "it cannot be translated and keeps its last good form");
  }
}
