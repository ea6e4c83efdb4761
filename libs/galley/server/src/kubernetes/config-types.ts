import { KINDS, type Kind } from "@xebec/model-resources";
import { apiVersionOf, type KubeObject, type ResourceType, type ServedTypes } from "@xebec/platform-kube";

/** The newest version of a kind that the server has; undefined when its CRD is not installed. */
export function typeOf(
  { group, kind, plural, versions, clusterScoped }: Kind,
  served: ServedTypes,
): ResourceType | undefined {
  const there = served.get(`${group}/${plural}`) ?? [];
  const version = versions.findLast((each) => there.includes(each));
  return version === undefined
    ? undefined
    : { group, version, kind, plural, ...(clusterScoped ? { clusterScoped } : {}) };
}

/** The groups of all kinds. */
export const CONFIG_GROUPS: readonly string[] = [...new Set(KINDS.map(({ group }) => group))];

/** What kubectl keeps of an object in the object itself: as large as the object, and nobody's here. */
const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

/** An object of a kind as users write it, without what only the server and kubectl need. */
export function writtenObject(
  { metadata, status: _, ...object }: KubeObject,
  type: ResourceType,
): Record<string, unknown> {
  const { name, namespace, labels, annotations, creationTimestamp, generation } = metadata;
  const { [LAST_APPLIED]: _applied, ...kept } = annotations ?? {};
  return {
    ...object,
    // The objects of a list of core types do not name theirs.
    ...{ apiVersion: apiVersionOf(type), kind: type.kind },
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(labels ? { labels } : {}),
      ...(Object.keys(kept).length > 0 ? { annotations: kept } : {}),
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
      ...(generation === undefined ? {} : { generation }),
    },
  };
}

/** The place of an object in conditions and errors: `VirtualService default/reviews`. */
export function placeOf({ kind }: Pick<ResourceType, "kind">, key: string): string {
  return `${kind} ${key}`;
}
