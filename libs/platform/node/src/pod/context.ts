import type { ApiClient } from "../api/client.ts";
import type { Claim, DataObject, PersistentVolume, Pod, Service } from "../api/types.ts";
import type { ImageStore } from "../runtime/image.ts";

/** What the pods of a node need from it. */
export interface NodeContext {
  readonly api: ApiClient;
  /** Names the cluster on this machine. */
  readonly cluster: string;
  /** The folder of pods' files. */
  readonly directory: string;
  readonly images: ImageStore;
  /** Directories of the host that every container sees. */
  readonly visible: readonly string[];
  /** The node's address. */
  readonly nodeIp: string;
  /** The cluster's DNS server. */
  readonly dnsIp: string;
  /** `cluster.local`. */
  readonly domain: string;
  /** What a node has for its pods, in Kubernetes' quantities. */
  readonly allocatable: Readonly<Record<string, string>>;
  configMap(namespace: string, name: string): DataObject | undefined;
  secret(namespace: string, name: string): DataObject | undefined;
  services(namespace: string): readonly Service[];
  claim(namespace: string, name: string): Claim | undefined;
  volume(name: string): PersistentVolume | undefined;
  /** Takes an address of the node's pod range, if possible the one that the pod had. @throws XebecError resource_exhausted */
  takeAddress(nodeName: string, podUid: string, before: string | undefined): Promise<string>;
  giveAddress(podUid: string): void;
  /** Writes an event of a pod; never fails. */
  event(pod: Pod, type: "Normal" | "Warning", reason: string, message: string): void;
}
