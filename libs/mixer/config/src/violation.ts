import type { ReasonOf } from "@xebec/model-resources";
import { type Path, pathText, type Violation } from "@xebec/model-schema";

export type MixerReason = ReasonOf<"mixer", "rejected">;

/** What is wrong in an object of Mixer's, with the reason for its condition. Paths begin with `spec` or `kind`. */
export interface MixerViolation extends Violation {
  readonly reason: MixerReason;
}

/** Gives violations a reason and puts a path in front of theirs. */
export function withReason(
  violations: readonly Violation[],
  reason: MixerReason,
  path: Path = [],
): readonly MixerViolation[] {
  return violations.map((each) => ({ path: [...path, ...each.path], message: each.message, reason }));
}

export function violation(reason: MixerReason, path: Path, message: string): MixerViolation {
  return { path, message, reason };
}

/** A place in a rule, as its condition names it: without `spec`. */
export function placeInRule(path: Path): string {
  return pathText(path[0] === "spec" ? path.slice(1) : path);
}
