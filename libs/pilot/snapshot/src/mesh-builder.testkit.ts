// Makes snapshots of objects and of records in Kubernetes' form, as pilot does. For tests and measurements.
import { type Credential, readCredential, type SecretRecord, secretKey } from "@xebec/model-pki";
import { KubernetesRegistry, type RecordChange, ServiceEntryRegistry } from "@xebec/pilot-registry";
import { type ConfigChange, SnapshotBuilder, type SnapshotChange } from "./builder.ts";
import type { KeySetChange } from "./key-sets/key-sets.ts";
import type { HostAddressChange } from "./network-gateways/host-addresses.ts";
import type { SnapshotOptions } from "./options.ts";
import type { Snapshot } from "./snapshot.ts";

/** What changed at once. */
export interface MeshChange {
  readonly config?: ConfigChange;
  readonly workloads?: RecordChange;
  readonly keySets?: KeySetChange;
  readonly hostAddresses?: HostAddressChange;
  readonly secrets?: readonly SecretRecord[];
  /** Keys of Secrets. */
  readonly goneSecrets?: readonly string[];
}

const NO_OBJECTS: ConfigChange = { puts: [], deletes: [] };

/** A builder with both registries. */
export class MeshBuilder {
  readonly #kubernetes = new KubernetesRegistry();
  /** For what it does in turns. */
  readonly builder: SnapshotBuilder;

  constructor(options: Partial<SnapshotOptions> = {}) {
    const registries = [this.#kubernetes, new ServiceEntryRegistry()];
    this.builder = new SnapshotBuilder({
      ...{ domain: "cluster.local", trustDomain: "cluster.local", registries },
      ...options,
    });
  }

  get snapshot(): Snapshot {
    return this.builder.snapshot;
  }

  apply({
    config = NO_OBJECTS,
    workloads,
    keySets,
    hostAddresses,
    secrets = [],
    goneSecrets = [],
  }: MeshChange): SnapshotChange {
    if (hostAddresses) this.builder.reportHostAddresses(hostAddresses);
    if (keySets) this.builder.reportKeySets(keySets);
    if (workloads) this.#kubernetes.apply(workloads);
    const credentials = new Map<string, Credential | undefined>(goneSecrets.map((each) => [each, undefined]));
    for (const each of secrets) credentials.set(secretKey(each), readCredential(each));
    return this.builder.apply({ ...config, secrets: credentials });
  }
}
