import { rmSync } from "node:fs";
import { join } from "node:path";
import { XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import type { ApiClient } from "../api/client.ts";
import type { Claim, PersistentVolume } from "../api/types.ts";

const log = logger("node");

/** The cluster's default StorageClass: directories of this machine. */
export const STORAGE_CLASS = "standard";
const PROVISIONER = "xebec.dev/directory";
const PROVISIONED_BY = "pv.kubernetes.io/provisioned-by";

/** Makes a volume for each claim of the cluster's StorageClass, below one folder, and removes what is released. */
export class Provisioner {
  readonly #api: ApiClient;
  readonly #folder: string;

  constructor(api: ApiClient, folder: string) {
    this.#api = api;
    this.#folder = folder;
  }

  /** Creates the StorageClass. */
  async start(): Promise<void> {
    await create(this.#api, "/apis/storage.k8s.io/v1/storageclasses", {
      apiVersion: "storage.k8s.io/v1",
      kind: "StorageClass",
      metadata: { name: STORAGE_CLASS, annotations: { "storageclass.kubernetes.io/is-default-class": "true" } },
      provisioner: PROVISIONER,
      reclaimPolicy: "Delete",
      volumeBindingMode: "Immediate",
    });
  }

  claimChanged(claim: Claim | undefined): void {
    if (claim?.spec.storageClassName !== STORAGE_CLASS || claim.spec.volumeName || claim.metadata.deletionTimestamp)
      return;
    void this.#provide(claim).catch((error: unknown) => log.error({ err: error }, "a volume could not be made"));
  }

  volumeChanged(volume: PersistentVolume | undefined): void {
    const isOurs = volume?.metadata.annotations?.[PROVISIONED_BY] === PROVISIONER;
    if (!volume || !isOurs || volume.status?.phase !== "Released") return;
    rmSync(volume.spec.hostPath?.path ?? "", { recursive: true, force: true });
    void this.#api
      .call("DELETE", `/api/v1/persistentvolumes/${volume.metadata.name}`)
      .catch((error: unknown) => log.error({ err: error }, "a volume could not be removed"));
  }

  async #provide({ metadata, spec }: Claim): Promise<void> {
    const name = `pvc-${metadata.uid}`;
    await create(this.#api, "/api/v1/persistentvolumes", {
      apiVersion: "v1",
      kind: "PersistentVolume",
      metadata: { name, annotations: { [PROVISIONED_BY]: PROVISIONER } },
      spec: {
        capacity: { storage: spec.resources?.requests?.storage ?? "1Gi" },
        accessModes: spec.accessModes,
        persistentVolumeReclaimPolicy: "Delete",
        storageClassName: STORAGE_CLASS,
        hostPath: { path: join(this.#folder, name), type: "DirectoryOrCreate" },
        claimRef: {
          apiVersion: "v1",
          kind: "PersistentVolumeClaim",
          namespace: metadata.namespace,
          name: metadata.name,
          uid: metadata.uid,
        },
      },
    });
  }
}

/** Creates an object of a collection; one that exists already stays as it is. */
export async function create(
  api: ApiClient,
  path: string,
  body: {
    readonly metadata: { readonly name: string; readonly [more: string]: unknown };
    readonly [more: string]: unknown;
  },
): Promise<void> {
  // Asked first: a Service whose address is its own already is refused with another code than one that exists.
  if (await api.find(`${path}/${body.metadata.name}`)) return;
  try {
    await api.call("POST", path, { body });
  } catch (error) {
    // 409 is for an object that exists.
    if (!(error instanceof XebecError && error.code === "aborted")) throw error;
  }
}
