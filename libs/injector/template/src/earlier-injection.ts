import { XebecError } from "@xebec/core-errors";
import { OVERRIDES, readOverrides } from "./overrides.ts";
import { type Named, type Pod, PROXY } from "./pod.ts";
import { clearMergedMetrics } from "./prometheus.ts";

/** The annotation in which an injection notes what it has added. */
export const STATUS = "sidecar.istio.io/status";
/** The lists of a pod's `spec` that an injection adds to. */
export const LISTS = ["initContainers", "containers", "volumes", "imagePullSecrets"] as const;
export type ListName = (typeof LISTS)[number];

/** What an earlier injection has added to a pod: names by list, and the keys of annotations. */
export type EarlierStatus = Readonly<Record<ListName | "annotations", readonly string[]>>;

/**
 * Reads what an earlier injection has noted.
 * @throws XebecError invalid_argument for an annotation that is not JSON
 */
export function earlierStatus(annotations: Readonly<Record<string, string>>): EarlierStatus | undefined {
  const text = annotations[STATUS];
  if (!text) return undefined;
  let status: unknown;
  try {
    status = JSON.parse(text);
  } catch (error) {
    throw new XebecError("invalid_argument", `annotation ${STATUS}: is not JSON; remove it`, { cause: error });
  }
  // Whoever makes the pod may write anything here: what names nothing is as good as nothing.
  if (status === null || typeof status !== "object") return undefined;
  const lists = status as Record<string, unknown>;
  const names = (list: string): string[] =>
    Array.isArray(lists[list]) ? lists[list].filter((each) => typeof each === "string") : [];
  return {
    initContainers: names("initContainers"),
    containers: names("containers"),
    volumes: names("volumes"),
    imagePullSecrets: names("imagePullSecrets"),
    annotations: names("annotations"),
  };
}

/**
 * The pod as it was before an earlier injection: without what that added, with what users wrote for containers of the sidecar.
 * @throws XebecError invalid_argument
 */
export function strippedPod(pod: Pod): Pod {
  const annotations = pod.metadata?.annotations ?? {};
  const earlier = earlierStatus(annotations);
  const overrides = readOverrides(annotations[OVERRIDES]);
  if (!earlier) return pod;
  const spec: Record<string, unknown> = { ...pod.spec };
  for (const list of LISTS) {
    const before = spec[list] as readonly Named[] | undefined;
    const added = new Set(earlier[list]);
    const own = overrides[list] ?? [];
    if (added.size === 0 && own.length === 0) continue;
    const kept = (before ?? []).filter(({ name }) => !added.has(name));
    const back = own.filter(({ name }) => !kept.some((each) => each.name === name));
    const after = [...kept, ...back];
    if (after.length > 0) spec[list] = after;
    else delete spec[list];
  }
  const added = new Set(earlier.annotations);
  const own = Object.fromEntries(Object.entries(clearMergedMetrics(annotations)).filter(([name]) => !added.has(name)));
  return { ...pod, metadata: { ...pod.metadata, annotations: own }, spec } as Pod;
}

/** The proxy that an earlier injection has added, wherever it stands. */
export function earlierProxy(pod: Pod): Named | undefined {
  return [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])].find(({ name }) => name === PROXY);
}
