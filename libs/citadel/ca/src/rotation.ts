import { parseCertificate } from "@xebec/model-pki";
import { type CaState, createSelfSigned, type SelfSignedOptions } from "./ca-state.ts";

export interface RotationPolicy extends SelfSignedOptions {
  /** A new root is made when less than this part of the old one's lifetime is left (Istio: 0.2). */
  readonly remaining: number;
  /** How long both roots are trusted before the new one signs: until every workload has asked for a certificate again. */
  readonly overlapMs: number;
  /** How long the old root is trusted after that: the longest lifetime of a certificate that it signed. */
  readonly retireMs: number;
}

/**
 * The next state of a self-signed authority, in three steps that never leave a certificate without a trusted root: a new
 * root is trusted; after `overlapMs` it signs; `retireMs` later the old one is trusted no more.
 * @param force true: begin a rotation now, whatever the age of the root
 * @returns the same object when nothing is due
 */
export function rotate(state: CaState, policy: RotationPolicy, now: number, force = false): CaState {
  const retired = state.retired.filter(({ until }) => until > now);
  let result = retired.length === state.retired.length ? state : { ...state, retired };
  const { next, active } = result;
  if (next && now >= next.promoteAt) {
    const { promoteAt: _, ...promoted } = next;
    result = { active: promoted, retired: [...retired, { root: active.root, until: now + policy.retireMs }] };
  } else if (!next && (force || isOld(active.root, policy, now)))
    result = { ...result, next: { ...createSelfSigned(policy, now), promoteAt: now + policy.overlapMs } };
  return result;
}

function isOld(root: string, { remaining }: RotationPolicy, now: number): boolean {
  const { notBefore, notAfter } = parseCertificate(root);
  return notAfter - now < remaining * (notAfter - notBefore);
}
