import { parseCertificate } from "@xebec/model-pki";
import {
  type CaState,
  createSelfSigned,
  ROOT_BACKDATE_MS,
  type SelfSignedOptions,
  type SigningCa,
} from "./ca-state.ts";

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
 * root is trusted; after `overlapMs` it signs; `retireMs` later, or when it ends, the old one is trusted no more. When the root
 * has ended, because nobody rotated it in time, the next one signs at once: certificates of the old one are worth nothing anyway.
 * @param force true: begin a rotation now, whatever the age of the root
 * @returns the same object when nothing is due
 */
export function rotate(state: CaState, policy: RotationPolicy, now: number, force = false): CaState {
  const retired = state.retired.filter(({ root, until }) => until > now && endOf(root) > now);
  const { active } = state;
  const next = state.next && endOf(state.next.root) > now ? state.next : undefined;
  const end = endOf(active.root);
  if (end <= now) return { active: next ? signing(next) : createSelfSigned(policy, now), retired };
  if (next && now >= next.promoteAt) {
    const until = Math.min(now + policy.retireMs, end);
    return { active: signing(next), retired: [...retired, { root: active.root, until }] };
  }
  if (!next && (force || isOld(active.root, policy, now)))
    return { active, retired, next: { ...createSelfSigned(policy, now), promoteAt: now + policy.overlapMs } };
  return retired.length === state.retired.length ? state : { ...state, retired };
}

function signing({ promoteAt: _, ...promoted }: NonNullable<CaState["next"]>): SigningCa {
  return promoted;
}

function endOf(root: string): number {
  return parseCertificate(root).notAfter;
}

function isOld(root: string, { remaining }: RotationPolicy, now: number): boolean {
  const { notBefore, notAfter } = parseCertificate(root);
  // What it was dated back is not part of the life that it was given.
  return notAfter - now < remaining * (notAfter - notBefore - ROOT_BACKDATE_MS);
}
