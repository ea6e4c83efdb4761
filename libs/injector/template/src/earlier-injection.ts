import { XebecError } from "@xebec/core-errors";

/** The annotation in which an injection notes what it has added. */
export const STATUS = "sidecar.istio.io/status";
/** The lists of a pod's `spec` that an injection adds to. */
export const LISTS = ["initContainers", "containers", "volumes", "imagePullSecrets"] as const;
export type ListName = (typeof LISTS)[number];

/**
 * What an earlier injection has added to a pod, by list.
 * @throws XebecError invalid_argument for an annotation that is not JSON
 */
export function earlierStatus(
  annotations: Readonly<Record<string, string>>,
): Partial<Record<ListName, readonly string[]>> {
  const text = annotations[STATUS];
  if (!text) return {};
  let status: unknown;
  try {
    status = JSON.parse(text);
  } catch (error) {
    throw new XebecError("invalid_argument", `annotation ${STATUS}: is not JSON; remove it`, { cause: error });
  }
  // Whoever makes the pod may write anything here: what names nothing is as good as nothing.
  if (status === null || typeof status !== "object") return {};
  const lists = status as Record<string, unknown>;
  const names = (list: ListName): string[] =>
    Array.isArray(lists[list]) ? lists[list].filter((each) => typeof each === "string") : [];
  return Object.fromEntries(LISTS.map((list) => [list, names(list)]));
}
