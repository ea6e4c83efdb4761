import { existsSync, readFileSync } from "node:fs";
import { XebecError } from "@xebec/core-errors";
import { readMixerContext, validateObject, violationText } from "@xebec/galley-validate";
import type { ProxyView } from "@xebec/pilot-explain";
import { OfflineMesh, type OfflineNode } from "@xebec/pilot-offline";
import type { ConfigDump } from "@xebec/pilot-proxy-config";
import { findPod, type PlannedPod, parseManifests, plannedPods, plannedRecords } from "@xebec/platform-local";
import { readInput } from "./read-input.ts";

export interface OfflineOptions {
  readonly offline?: boolean;
  /** Files and directories with Istio objects and manifests. */
  readonly config?: readonly string[];
  /** A file with the node of a proxy, in place of a pod of the manifests. */
  readonly proxy?: string;
}

/** The mesh that a directory describes, as if a cluster ran it: pods of its Deployments are there and ready. */
export interface Offline {
  /** @param name POD or DEPLOYMENT, with `NAMESPACE/` before or `.NAMESPACE` behind it @throws XebecError not_found */
  viewOf(name: string): Promise<ProxyView>;
  viewAt(address: string): Promise<ProxyView | undefined>;
  dumpOf(node: OfflineNode): Promise<ConfigDump>;
}

/** Reads `--config`. @throws XebecError invalid_argument with every object that is refused */
export function offlineMesh({ config }: OfflineOptions): Offline {
  if (!config) throw new XebecError("invalid_argument", "--offline needs --config DIR with the objects and manifests");
  const input = readInput(config);
  const mixer = readMixerContext(input);
  const problems: string[] = [];
  const resources = input.flatMap((each) => {
    const result = validateObject(each, { mixer });
    if (result.outcome === "rejected")
      for (const violation of result.violations)
        problems.push(`${each.file}:${each.lineOf(violation.path)}: ${violationText(violation)}`);
    return result.outcome === "accepted" ? [result.resource] : [];
  });
  if (problems.length > 0) throw new XebecError("invalid_argument", problems.join("\n"));
  const objects = input.flatMap(({ value }) => parseManifests(JSON.stringify(value)).objects);
  const pods = plannedPods(objects);
  const mesh = new OfflineMesh(resources, plannedRecords(objects, pods));
  const view = async (pod: PlannedPod): Promise<ProxyView> => ({
    name: `${pod.record.name}.${pod.record.namespace}`,
    dump: await mesh.dumpOf(nodeOf(pod)),
    identity: `spiffe://cluster.local/ns/${pod.record.namespace}/sa/${pod.record.serviceAccount}`,
    address: pod.record.ip,
  });
  return {
    dumpOf: (node) => mesh.dumpOf(node),
    viewOf(name) {
      const found = findPod(pods, ({ record, deployment }) => ({ ...record, deployment }), name);
      if (!found?.hasProxy && !found?.isRouter)
        throw new XebecError(
          "not_found",
          found ? `the pod ${name} has no sidecar` : `no Deployment of the files makes the pod ${name}`,
        );
      return view(found);
    },
    async viewAt(address) {
      const found = pods.find(({ record, hasProxy, isRouter }) => record.ip === address && (hasProxy || isRouter));
      return found && view(found);
    },
  };
}

/** The configuration that `--offline` and its flags ask for. */
export async function offlineDump(pod: string | undefined, options: OfflineOptions): Promise<ConfigDump> {
  const mesh = offlineMesh(options);
  if (options.proxy !== undefined) return mesh.dumpOf(readNode(options.proxy));
  if (pod === undefined)
    throw new XebecError("invalid_argument", "name a pod of the files, or its node with --proxy FILE");
  return (await mesh.viewOf(pod)).dump;
}

/** A file with `{"id": ..., "metadata": ...}`, or with what has such a `node`, as Envoy's bootstrap. */
function readNode(file: string): OfflineNode {
  if (!existsSync(file)) throw new XebecError("not_found", `${file} does not exist`);
  let value: { readonly node?: unknown };
  try {
    value = JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw new XebecError("invalid_argument", `${file} is not JSON`, { cause });
  }
  const node = (value.node ?? value) as OfflineNode & { readonly locality?: unknown };
  if (typeof node.id !== "string") throw new XebecError("invalid_argument", `${file} has no node with an "id"`);
  const { locality, ...rest } = node;
  const {
    region = "",
    zone = "",
    sub_zone = "",
  } = typeof locality === "object" ? (locality as Record<string, string>) : {};
  return {
    ...rest,
    locality: typeof locality === "string" ? locality : [region, zone, sub_zone].filter(Boolean).join("/"),
  };
}

/** The node that the proxy of a pod would have in a cluster that captures traffic. */
function nodeOf({ record, isRouter, deployment }: PlannedPod): OfflineNode {
  const { name, namespace, ip, labels, serviceAccount } = record;
  return {
    id: `${isRouter ? "router" : "sidecar"}~${ip}~${name}.${namespace}~${namespace}.svc.cluster.local`,
    metadata: {
      ...{ NAMESPACE: namespace, LABELS: labels, SERVICE_ACCOUNT: serviceAccount, WORKLOAD_NAME: deployment },
      INTERCEPTION_MODE: "REDIRECT",
    },
  };
}
