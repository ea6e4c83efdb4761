import { kindOf, type Resource } from "@xebec/model-resources";
import { readProtoJson } from "@xebec/model-schema";
import type { MixerViolation } from "./violation.ts";
import { withReason } from "./violation.ts";

/** The API group of Mixer's objects. */
export const MIXER_GROUP = "config.istio.io";

/** An object of Mixer's, as far as its checks read it. */
export interface MixerObject {
  readonly kind: string;
  /** In the form that the schema of its kind gives. */
  readonly spec: unknown;
}

/** Reads a spec by the schema of its kind, as galley does: for objects that come from elsewhere. */
export function readSpec(resource: Resource): {
  readonly spec: unknown;
  readonly violations: readonly MixerViolation[];
} {
  const kind = kindOf(resource.group, resource.kind);
  // A kind of an adapter that Istio does not have: its whole spec is its parameters.
  if (!kind) return { spec: resource.spec ?? {}, violations: [] };
  const { value, violations } = readProtoJson(kind.schema, resource.spec ?? {}, ["spec"]);
  return { spec: value, violations: withReason(violations, "InvalidSpec") };
}
