import { didYouMean, nearestName } from "@xebec/core-errors";
import {
  type Checker,
  ISTIO_GROUPS,
  KINDS,
  UNSUPPORTED_KINDS,
  unsupportedKindOf,
  unsupportedKindText,
} from "@xebec/model-resources";

/** Groups whose objects concern somebody here, for whoever misspells one. */
const GROUPS = [...new Set([...KINDS.map((kind) => kind.group), ...ISTIO_GROUPS, "apps", "batch", "autoscaling"])];
const TOP_LEVEL = ["apiVersion", "kind", "metadata", "spec", "status"];
/** Kubernetes' own (ObjectMeta). */
const META = [
  ...["name", "generateName", "namespace", "labels", "annotations", "uid", "resourceVersion", "generation"],
  ...["creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "ownerReferences", "finalizers"],
  ...["managedFields", "selfLink", "clusterName"],
];

/** Tells a kind that Istio has and that is not supported from one that nobody has, and guesses what was meant. */
export function checkUnknownKind(group: string, version: string, kind: string, check: Checker): void {
  const unsupported = unsupportedKindOf(group, kind);
  if (unsupported) {
    check.fail(["kind"], unsupportedKindText(unsupported));
    return;
  }
  const known = KINDS.filter((each) => each.group === group).map((each) => each.kind);
  if (known.length > 0 || ISTIO_GROUPS.includes(group)) {
    const others = UNSUPPORTED_KINDS.filter((each) => each.group === group).map((each) => each.kind);
    const near = didYouMean(kind, [...known, ...others]);
    check.fail(["kind"], `there is no kind ${kind} in ${group}${near || `; known are ${known.join(", ") || "none"}`}`);
    return;
  }
  const near = nearestName(group, GROUPS);
  const groups = GROUPS.filter((each) => each.includes("."));
  check.fail(
    ["apiVersion"],
    `there is no group ${group}${near ? `; did you mean ${near}/${version}?` : `; known are ${groups.join(", ")}`}`,
  );
}

/** Fields beside `spec` and inside `metadata` that no object has. */
export function checkHeadFields(value: Readonly<Record<string, unknown>>, check: Checker): void {
  for (const key of Object.keys(value))
    if (!TOP_LEVEL.includes(key))
      check.fail([key], `unknown field${didYouMean(key, TOP_LEVEL) || `; known are ${TOP_LEVEL.join(", ")}`}`);
  const { metadata } = value;
  if (metadata === null || typeof metadata !== "object" || Array.isArray(metadata)) return;
  for (const key of Object.keys(metadata))
    if (!META.includes(key)) check.fail(["metadata", key], `unknown field${didYouMean(key, META)}`);
}

/** What a missing field of the head may stand under: `; did you mean it by apiversion?`, or nothing. */
export function misspelt(value: Readonly<Record<string, unknown>>, field: string): string {
  const given = Object.keys(value).find((each) => !TOP_LEVEL.includes(each) && nearestName(each, TOP_LEVEL) === field);
  return given === undefined ? "" : `; did you mean it by ${given}?`;
}
