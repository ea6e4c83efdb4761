import type { Turns } from "@xebec/core-async";
import { logger } from "@xebec/core-log";
import { keyOf, type MeshConfigSpec, type Resource } from "@xebec/model-resources";
import { type WorkloadRecord, workloadKey } from "@xebec/model-workloads";
import { CONFIG_KINDS, type ConfigKind } from "./config-kinds.ts";
import { HostIndex } from "./host-index.ts";
import { LabelReaders } from "./label-readers.ts";
import { type Mesh, meshOf } from "./mesh.ts";
import { mixerHooksOf, NO_MIXER } from "./mixer-hooks.ts";
import { PersistentMap } from "./persistent-map.ts";
import { dependency, type Snapshot } from "./snapshot.ts";
import { Edit } from "./snapshot-edit.ts";
import { WorkloadIndex } from "./workload-index.ts";

const log = logger("snapshot");

export interface StateChange {
  readonly config?: { readonly puts: readonly Resource[]; readonly deletes: readonly string[] };
  readonly workloads?: { readonly puts: readonly WorkloadRecord[]; readonly deletes: readonly string[] };
}

export interface SnapshotChange {
  readonly snapshot: Snapshot;
  /** Dependency keys of what changed; empty when nothing that matters did. */
  readonly changed: ReadonlySet<string>;
}

export interface SnapshotOptions {
  /** DNS suffix of Kubernetes services. */
  readonly domain: string;
  /** Trust domain while the mesh configuration names none. */
  readonly trustDomain: string;
  /** The mesh configuration while there is no object of it. */
  readonly mesh?: MeshConfigSpec;
  /** True when every proxy takes HTTP/1.0 from its clients; else only those whose metadata say so. */
  readonly http10?: boolean;
}

const MIXER_GROUP = "config.istio.io/";
/** The one object that is the mesh configuration: whoever may write in another namespace must not change the whole mesh. */
const MESH_KEY = "mesh.xebec.io/MeshConfig/istio-system/mesh";

/** Keeps the current snapshot and makes the next one from a change, at the cost of what changed. */
export class SnapshotBuilder {
  readonly #options: SnapshotOptions;
  /** What was made of each object, by its key. */
  readonly #made = new Map<string, { readonly kind: ConfigKind; readonly made: unknown }>();
  readonly #mixer = new Map<string, Resource>();
  readonly #workloads = new WorkloadIndex();
  readonly #labels = new LabelReaders();
  #snapshot: Snapshot;

  constructor(options: SnapshotOptions) {
    this.#options = options;
    this.#snapshot = {
      version: 0,
      mesh: this.#meshOf(undefined),
      definitions: PersistentMap.empty(),
      services: PersistentMap.empty(),
      endpoints: PersistentMap.empty(),
      pods: PersistentMap.empty(),
      podsByIp: PersistentMap.empty(),
      virtualServices: HostIndex.empty(),
      gatewayRoutes: PersistentMap.empty(),
      destinationRules: HostIndex.empty(),
      gateways: [],
      peerAuthentications: PersistentMap.empty(),
      mixer: NO_MIXER,
      selectorLabels: new Set(),
    };
  }

  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  /** Applies one generation. What of it cannot be translated is logged and keeps its last good form; all else counts. */
  apply(change: StateChange): SnapshotChange {
    const steps = this.#steps(change);
    for (;;) {
      const { done, value } = steps.next();
      if (done) return value;
    }
  }

  /**
   * The same in turns of the event loop: a generation may hold ten thousand objects. The snapshot is the old one until all is done.
   * Nothing else may be applied meanwhile.
   */
  async applyInTurns(change: StateChange, turns: Turns): Promise<SnapshotChange> {
    const steps = this.#steps(change);
    for (;;) {
      const { done, value } = steps.next();
      if (done) return value;
      const turn = turns.next();
      if (turn) await turn;
    }
  }

  /** Applies a generation, one object at each step. */
  *#steps(change: StateChange): Generator<undefined, SnapshotChange> {
    const edit = new Edit(this.#snapshot);
    const putConfig = (key: string, resource: Resource | undefined): void =>
      guarded(key, () => this.#putConfig(key, resource, edit));
    for (const key of change.config?.deletes ?? []) {
      putConfig(key, undefined);
      yield;
    }
    for (const resource of change.config?.puts ?? []) {
      putConfig(keyOf(resource), resource);
      yield;
    }
    const putWorkload = (key: string, record: WorkloadRecord | undefined): void =>
      guarded(key, () => this.#workloads.put(key, record, edit));
    for (const key of change.workloads?.deletes ?? []) {
      putWorkload(key, undefined);
      yield;
    }
    // Pods first: endpoints of the same generation refer to them.
    const puts = [...(change.workloads?.puts ?? [])].sort(
      (a, b) => Number(b.type === "pod") - Number(a.type === "pod"),
    );
    for (const record of puts) {
      putWorkload(workloadKey(record), record);
      yield;
    }
    if (edit.trustDomainChanged) this.#refreshEndpoints(edit);
    if (edit.mixerChanged) edit.setMixer(mixerHooksOf(this.#mixer));
    const labels = this.#labels.labels;
    if (labels.join() !== [...this.#snapshot.selectorLabels].join()) {
      edit.snapshot.selectorLabels = new Set(labels);
      edit.changed.add(dependency.selectorLabels);
    }
    if (edit.changed.size > 0) this.#snapshot = edit.finish();
    return { snapshot: this.#snapshot, changed: edit.changed };
  }

  #putConfig(key: string, resource: Resource | undefined, edit: Edit): void {
    const name = key.split("/", 2).join("/");
    if (key === MESH_KEY) edit.setMesh(this.#meshOf(resource as Resource<MeshConfigSpec> | undefined));
    if (name.startsWith(MIXER_GROUP)) this.#putMixer(key, resource, edit);
    const kind = CONFIG_KINDS.get(name);
    if (!kind) return;
    // First what may fail; then nothing can leave the snapshot half made.
    const after = resource && { kind, made: kind.make(resource, this.#options.domain) };
    const labels = after ? kind.selectorLabels(after.made) : [];
    const before = this.#made.get(key);
    if (after) this.#made.set(key, after);
    else if (!this.#made.delete(key)) return;
    this.#labels.replace(before ? kind.selectorLabels(before.made) : [], labels);
    kind.replace(edit, before?.made, after?.made);
  }

  #putMixer(key: string, resource: Resource | undefined, edit: Edit): void {
    if (resource) {
      // Read by itself first: one that cannot be read must not stand in the way of all.
      mixerHooksOf(new Map([[key, resource]]));
      this.#mixer.set(key, resource);
    } else this.#mixer.delete(key);
    edit.mixerChanged = true;
  }

  #meshOf(resource: Resource<MeshConfigSpec> | undefined): Mesh {
    const { mesh, domain, trustDomain, http10 } = this.#options;
    const made = meshOf(resource?.spec ?? mesh, domain, trustDomain, http10);
    return resource ? { ...made, configKey: keyOf(resource) } : made;
  }

  #refreshEndpoints(edit: Edit): void {
    this.#workloads.refresh(edit);
    // Their endpoints are made of the trust domain that the edit has by now.
    for (const { kind, made } of this.#made.values())
      if (kind === CONFIG_KINDS.get("networking.istio.io/ServiceEntry")) kind.replace(edit, made, made);
  }
}

/** Runs what reads one object; what is wrong with it disturbs no other. */
function guarded(key: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    log.error({ err: error, object: key }, "it cannot be translated and keeps its last good form");
  }
}
