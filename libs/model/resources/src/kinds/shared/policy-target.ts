import { field, message, type Path, required, type Static, string, type Violation } from "@xebec/model-schema";
import type { Checker } from "../../rules/checker.ts";

// Which proxies a policy of security.istio.io is for: a selector, or references to what they serve.

export const PolicyTargetReference = message("PolicyTargetReference", {
  group: field(string(), "The API group: `gateway.networking.k8s.io`, `networking.istio.io`, or empty.", {
    default: "",
  }),
  kind: required(string({ minLength: 1 }), "`Gateway`, `GatewayClass`, `Service` or `ServiceEntry`."),
  name: required(string({ minLength: 1 }), "The name of the object."),
  namespace: field(string(), "The policy's own namespace, or nothing."),
});
export type PolicyTargetReference = Static<typeof PolicyTargetReference>;

/** What a policy says of its proxies. */
export interface PolicyTargets {
  readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
  /** Istio's older form, of a single reference. */
  readonly targetRef?: PolicyTargetReference;
  readonly targetRefs?: readonly PolicyTargetReference[];
}

/** All references of a policy. */
export function targetRefsOf({ targetRef, targetRefs = [] }: PolicyTargets): readonly PolicyTargetReference[] {
  return targetRef ? [targetRef, ...targetRefs] : targetRefs;
}

/** What may be referred to, as `GROUP/KIND`. */
const TARGETS = new Set([
  "gateway.networking.k8s.io/Gateway",
  "gateway.networking.k8s.io/GatewayClass",
  "core/Service",
  "networking.istio.io/ServiceEntry",
]);
const MOST_TARGETS = 16;

/** The rules of Istio for `selector`, `targetRef` and `targetRefs` (docs/reference/platform.md §3.11). */
export function checkPolicyTargets(spec: PolicyTargets, check: Checker): void {
  const given = [spec.selector, spec.targetRef, spec.targetRefs?.length ? spec.targetRefs : undefined];
  if (given.filter((each) => each !== undefined).length > 1)
    check.fail(["spec"], "set one of selector, targetRef and targetRefs");
  if (spec.selector) check.selector(spec.selector.matchLabels ?? {}, ["spec", "selector"]);
  if (spec.targetRef) checkReference(spec.targetRef, ["spec", "targetRef"], check);
  if ((spec.targetRefs?.length ?? 0) > MOST_TARGETS)
    check.fail(["spec", "targetRefs"], `has more than ${MOST_TARGETS}`);
  for (const [i, each] of (spec.targetRefs ?? []).entries()) checkReference(each, ["spec", "targetRefs", i], check);
}

function checkReference({ group = "", kind, namespace = "" }: PolicyTargetReference, path: Path, check: Checker): void {
  if (!TARGETS.has(`${group || "core"}/${kind}`))
    check.fail(
      [...path],
      `"${[group, kind].filter(Boolean).join("/")}" is not a target; write gateway.networking.k8s.io/Gateway, Service or networking.istio.io/ServiceEntry`,
    );
  if (namespace !== "" && namespace !== check.namespace)
    check.fail([...path, "namespace"], "a policy cannot refer to another namespace; leave it out");
}

/** References that no proxy of this mesh goes by: only waypoints of Istio's ambient mode do. */
export function* ineffectiveTargets(spec: PolicyTargets): Generator<Violation> {
  const list: [Path, PolicyTargetReference][] = (spec.targetRefs ?? []).map((each, i) => [
    ["spec", "targetRefs", i],
    each,
  ]);
  if (spec.targetRef) list.push([["spec", "targetRef"], spec.targetRef]);
  for (const [path, { kind }] of list)
    if (kind !== "Gateway") yield { path, message: `only waypoints of ambient mode go by a ${kind}; use a selector` };
}
