import { diffOf } from "@xebec/pilot-xds-gen";
import { quarantineRejected, releaseSuspected } from "./quarantine.ts";
import type { Subscription } from "./subscription.ts";

/** The client accepted the last response. @returns true when something is due that was quarantined */
export function accept(sub: Subscription): boolean {
  sub.acked = sub.sent;
  sub.rejections = 0;
  sub.ackedNonce = sub.nonce;
  sub.rejectedVersion = "";
  sub.lastError = sub.quarantine.size > 0 ? sub.lastError : "";
  return releaseSuspected(sub);
}

/**
 * The client rejected the last response: it still has what it accepted before, and all but what caused the NACK is sent again from
 * there.
 * @returns keys of the configuration objects behind what was rejected
 */
export function reject(sub: Subscription, message: string): readonly string[] {
  const { changed } = diffOf(sub.acked, sub.sent);
  sub.rejections++;
  const suspects = quarantineRejected(sub, message);
  sub.lastError = message;
  // What only takes away cannot be quarantined in part: it waits until there is something else to send.
  if (changed.length === 0) sub.rejectedVersion = sub.sent.version;
  sub.sent = sub.acked;
  return [...new Set(suspects.flatMap((each) => each.configKeys))];
}
