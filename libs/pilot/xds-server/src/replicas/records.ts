import { BUCKETS } from "@xebec/model-bus";
import { keyOf, type Resource } from "@xebec/model-resources";

/** The bucket of the copies of pilot. */
export const REPLICAS = BUCKETS.replicas;

const REPLICA = "alive/";
const WORKLOAD = "workload/";
const MAX_BYTES = 64 << 10;

export function replicaKey(id: string): string {
  return REPLICA + id;
}

/** @returns undefined for a key of something else */
export function replicaOfKey(key: string): string | undefined {
  return key.startsWith(REPLICA) ? key.slice(REPLICA.length) : undefined;
}

/** A workload that has registered itself, as all copies of pilot know it. */
export interface RegisteredWorkload {
  /** The WorkloadEntry that was made of it. */
  readonly entry: Resource;
  /** The key of its WorkloadGroup. */
  readonly group: string;
  /** The copy of pilot that it is connected to, or was last. */
  readonly replica: string;
  /** When it connected to that copy, in milliseconds since 1970: the latest copy is right. */
  readonly since: number;
  /** As its agent reports. */
  readonly healthy: boolean;
}

/** @param key `keyOf` of the WorkloadEntry */
export function workloadKey(key: string): string {
  return WORKLOAD + key;
}

/** @returns the key of the WorkloadEntry; undefined for a key of something else */
export function workloadOfKey(key: string): string | undefined {
  return key.startsWith(WORKLOAD) ? key.slice(WORKLOAD.length) : undefined;
}

export function encodeWorkload(workload: RegisteredWorkload): Uint8Array {
  return Buffer.from(JSON.stringify(workload));
}

/** @param key that of the WorkloadEntry @returns undefined for what no pilot has written */
export function decodeWorkload(key: string, bytes: Uint8Array): RegisteredWorkload | undefined {
  if (bytes.length > MAX_BYTES) return undefined;
  try {
    const read = JSON.parse(Buffer.from(bytes).toString("utf8")) as RegisteredWorkload;
    const { entry, group, replica, since, healthy } = read;
    const isWhole =
      entry.kind === "WorkloadEntry" &&
      keyOf(entry) === key &&
      typeof entry.spec === "object" &&
      entry.spec !== null &&
      [group, replica].every((each) => typeof each === "string") &&
      typeof since === "number" &&
      typeof healthy === "boolean";
    return isWhole ? read : undefined;
  } catch {
    return undefined;
  }
}
