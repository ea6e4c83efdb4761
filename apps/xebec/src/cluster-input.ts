import { KINDS } from "@xebec/model-resources";
import type { KubeClient, KubeObject, ResourceType } from "@xebec/platform-kube";
import { idOf } from "./config-files.ts";
import type { InputObject } from "./read-input.ts";

const workload = (group: string, kind: string): ResourceType => ({
  ...{ group, version: "v1", kind, plural: `${kind.toLowerCase()}s` },
});

/** What of an API server is looked at, and which part of it. */
interface Wanted {
  readonly type: ResourceType;
  readonly namespace?: string;
  readonly fieldSelector?: string;
}

/**
 * Reads the objects of an API server that concern the mesh, as istioctl does: all kinds of Istio in their newest version, and those of
 * Kubernetes that they refer to.
 * @param rootNamespace where the config map with the mesh configuration is
 * @returns the objects, and a sentence for each type that may not be read
 */
export async function clusterObjects(
  client: KubeClient,
  rootNamespace: string,
): Promise<{ readonly objects: InputObject[]; readonly unread: readonly string[] }> {
  const { kubeErrorOf, RESOURCES } = await import("@xebec/platform-kube");
  const { namespaces, services, secrets, pods, mutatingWebhooks, validatingWebhooks, configMaps } = RESOURCES;
  const wanted: Wanted[] = [
    ...[namespaces, services, secrets, pods, mutatingWebhooks, validatingWebhooks].map((type) => ({ type })),
    ...["Deployment", "StatefulSet", "DaemonSet"].map((kind) => ({ type: workload("apps", kind) })),
    { type: configMaps, namespace: rootNamespace, fieldSelector: "metadata.name=istio" },
  ];
  const objects: InputObject[] = [];
  const unread: string[] = [];
  const refused = (error: unknown, { group, plural }: { group: string; plural: string }): void => {
    if (kubeErrorOf(error)?.status !== 403) throw error;
    unread.push(`${plural}${group ? `.${group}` : ""} may not be read: ${(error as Error).message}`);
  };
  for (const { type, ...selection } of wanted)
    await read(client, type, selection, objects).catch((error: unknown) => refused(error, type));
  for (const { group, kind, plural, versions, clusterScoped } of KINDS) {
    const types = versions.map((version) => ({ group, version, kind, plural, clusterScoped: clusterScoped === true }));
    // Most versions of a kind are not served, and of many no definition is installed.
    for (const type of types.toReversed()) {
      const isServed = await read(client, type, {}, objects).then(
        () => true,
        (error: unknown) => {
          if (kubeErrorOf(error)?.status === 404) return false;
          refused(error, type);
          return true;
        },
      );
      if (isServed) break;
    }
  }
  return { objects, unread };
}

async function read(
  client: KubeClient,
  type: ResourceType,
  selection: Omit<Wanted, "type">,
  objects: InputObject[],
): Promise<void> {
  const { apiVersionOf, listObjects } = await import("@xebec/platform-kube");
  await listObjects(client, type, selection, (object: KubeObject) => {
    // The objects of a list of core types do not name theirs.
    const value = { ...object, apiVersion: apiVersionOf(type), kind: type.kind };
    const id = idOf(value);
    if (id) objects.push({ id, value, text: "", file: "", line: 0, lineOf: () => 0 });
  });
}
