import type { EncodedResource, ResourceDiff, ResourceSet } from "@xebec/pilot-xds-gen";
import { hasInitialVersions, isInitialVersion } from "../subscription/initial-versions.ts";
import type { Subscription } from "../subscription/subscription.ts";
import { type Draft, deltaResponse, discoveryResponse } from "./response.ts";

/** Limit of the bytes that are kept for further proxies; one message is always kept. */
const LIMIT = 8 << 20;

/**
 * The most recently used messages. Proxies that are alike connect and change together, so that a few messages serve thousands; a
 * message for a single proxy is evicted soon.
 */
export class MessageCache {
  readonly #messages = new Map<string, Buffer>();
  #bytes = 0;

  get(key: string): Buffer | undefined {
    const message = this.#messages.get(key);
    if (message) {
      this.#messages.delete(key);
      this.#messages.set(key, message);
    }
    return message;
  }

  put(key: string, message: Buffer): void {
    this.#messages.set(key, message);
    this.#bytes += message.length;
    for (const [oldest, { length }] of this.#messages) {
      if (this.#bytes <= LIMIT || this.#messages.size === 1) return;
      this.#messages.delete(oldest);
      this.#bytes -= length;
    }
  }

  /** Number of bytes that are kept. */
  get bytes(): number {
    return this.#bytes;
  }
}

/** A message of one type to one client. */
export interface Message extends Draft {
  readonly nonce: string;
}

export interface MessageOptions {
  readonly delta: boolean;
  readonly diff: ResourceDiff;
  /** Resources that are sent although they have not changed. */
  readonly resent: readonly EncodedResource[];
  /** Distinguishes messages that repeat resources: their nonces must differ. */
  readonly repeats: number;
}

/**
 * The message that takes a client from what it was sent to `next`. Equal steps have equal nonces, and share their bytes. Nothing is
 * assembled before `bytes` is called.
 */
export function messageTo(sub: Subscription, next: ResourceSet, cache: MessageCache, options: MessageOptions): Message {
  const { delta, diff, resent, repeats } = options;
  const whole = !delta && sub.isComplete;
  const nonce = `${next.version}${whole ? "" : `-${sub.sent.version}`}${resent.length > 0 ? `-${repeats}` : ""}`;
  // A version that a client named may be any text, also the version of another set.
  const hasUnknown = hasInitialVersions(sub.sent) || hasInitialVersions(next);
  const isShared = resent.length === 0 && !hasUnknown;
  const key = `${sub.type.name}/${delta}/${nonce}`;
  const known = isShared ? cache.get(key) : undefined;
  if (known) return { nonce, size: known.length, bytes: () => known };
  const all = whole ? [...next.resources.values()] : resent.length > 0 ? [...diff.changed, ...resent] : diff.changed;
  const resources = hasUnknown ? all.filter((each) => !isInitialVersion(each)) : all;
  const draft = delta
    ? deltaResponse(sub.type.typeUrl, resources, diff.removed, next.version, nonce)
    : discoveryResponse(sub.type.typeUrl, resources, next.version, nonce);
  const bytes = (): Buffer => {
    const made = draft.bytes();
    if (isShared) cache.put(key, made);
    return made;
  };
  return { nonce, size: draft.size, bytes };
}
