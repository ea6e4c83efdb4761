import {
  type Adapter,
  type AdapterHost,
  type AttributeValue,
  formatIp,
  type Instance,
  implementAdapter,
  parseIp,
  stringMap,
  type Workload,
  type Workloads,
} from "@xebec/mixer-sdk";
import { kubernetesenv } from "./info.ts";

/** An instance of the template kubernetes. */
interface Asked extends Instance {
  readonly sourceUid?: string;
  readonly sourceIp?: Uint8Array;
  readonly destinationUid?: string;
  readonly destinationIp?: Uint8Array;
  readonly destinationPort?: number | bigint;
}

type Output = Record<string, AttributeValue>;

/** Makes the adapter (docs/reference/mixer.md §6.7). @param host knows the pods of the mesh */
export function createAdapter({ workloads }: Pick<AdapterHost, "workloads">): Adapter {
  return implementAdapter(kubernetesenv, () => ({
    attributes(instance: Asked) {
      const out: Output = {};
      const destination = find(workloads, instance.destinationUid, instance.destinationIp);
      const port = Number(instance.destinationPort ?? 0);
      if (destination) {
        fill(out, "destination", destination);
        const container = destination.containers.find(({ ports }) => ports.includes(port));
        if (container) out.destinationContainerName = container.name;
      }
      const source = find(workloads, instance.sourceUid, instance.sourceIp);
      if (source) fill(out, "source", source);
      return out;
    },
  }));
}

/** By the uid when there is one, also when that finds nothing; else by the address. */
function find(workloads: Workloads, uid = "", ip?: Uint8Array): Workload | undefined {
  if (uid !== "") return workloads.byUid(uid);
  return ip?.some((byte) => byte !== 0) ? workloads.byIp(formatIp(ip)) : undefined;
}

function fill(out: Output, side: "source" | "destination", pod: Workload): void {
  const { uid, name, namespace, labels, serviceAccount, ip, hostIp, owner, workloadUid, workloadName } = pod;
  const put = (key: string, value: AttributeValue | undefined): void => {
    if (value !== undefined && value !== "") out[side + key] = value;
  };
  put("PodUid", uid);
  put("PodName", name);
  put("Namespace", namespace);
  if (Object.keys(labels).length > 0) put("Labels", stringMap(labels));
  put("ServiceAccountName", serviceAccount);
  put("PodIp", long(ip));
  put("HostIp", long(hostIp));
  put("Owner", owner);
  put("WorkloadUid", workloadUid);
  put("WorkloadName", workloadName);
  put("WorkloadNamespace", namespace);
}

/** An address in 16 bytes, as Go keeps it. */
function long(text: string): Uint8Array | undefined {
  const bytes = text === "" ? undefined : parseIp(text);
  if (bytes?.length !== 4) return bytes;
  return Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...bytes);
}
