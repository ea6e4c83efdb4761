import { logger } from "@xebec/core-log";
import { diffOf, type EncodedResource, type ResourceDiff, type ResourceSet } from "@xebec/pilot-xds-gen";
import type { RawStream } from "@xebec/platform-grpc";
import { isInitialVersion } from "../subscription/initial-versions.ts";
import type { Subscription } from "../subscription/subscription.ts";
import { messageTo } from "../wire/message.ts";
import type { Shared } from "./shared.ts";
import type { StreamWriter } from "./write-budget.ts";

const log = logger("ads");

/**
 * What came of sending: there was nothing to send; a response is under way; it waits for room in the budget of all; it is under
 * way and the stream takes nothing more for now.
 */
export type SendOutcome = "unchanged" | "sent" | "deferred" | "congested";

/** Whose responses are sent. Its share of the budget is its own. */
export interface SenderOwner extends StreamWriter {
  /** Called before a client that has clusters already is sent these. */
  warm(clusters: readonly EncodedResource[]): void;
}

/** Sends the responses of one stream. */
export class Sender {
  readonly #proxy: string;
  readonly #delta: boolean;
  readonly #stream: RawStream;
  readonly #shared: Pick<Shared<never>, "messages" | "budget" | "largePushes" | "onSent">;
  /** Numbers the responses that repeat resources: their nonces must differ. */
  #repeats = 0;

  constructor(
    { id, delta }: { readonly id: string; readonly delta: boolean },
    stream: RawStream,
    shared: Pick<Shared<never>, "messages" | "budget" | "largePushes" | "onSent">,
  ) {
    this.#proxy = id;
    this.#delta = delta;
    this.#stream = stream;
    this.#shared = shared;
  }

  /** Leads the client from what it was sent to `next`. */
  send(sub: Subscription, next: ResourceSet, owner: SenderOwner): SendOutcome {
    const diff = diffOf(sub.sent, next);
    const { changed, removed } = diff;
    const resent = sub.resend.size === 0 ? NOTHING : takeResent(sub, next, changed);
    if (sub.rejectedVersion !== "" && sub.rejectedVersion === next.version && resent.length === 0) return "unchanged";
    const isFirst = sub.state === "initial";
    // In the state-of-the-world form endpoints and routes that are gone are simply not sent any more.
    const removes = removed.length > 0 && (sub.isComplete || this.#delta);
    if (changed.length === 0 && resent.length === 0 && !isFirst && !removes) {
      if (next.version === sub.sent.version) return "unchanged";
      if (sub.acked === sub.sent) sub.acked = next;
      sub.sent = next;
      return "unchanged";
    }
    const { messages, budget, largePushes } = this.#shared;
    const message = messageTo(sub, next, messages, { delta: this.#delta, diff, resent, repeats: this.#repeats });
    const { size } = message;
    // Clusters are acknowledged when their endpoints have come, so that nobody should wait for them.
    const isFree = !sub.type.followsClusters || largePushes.take(owner, () => size + replacedBytes(sub.sent, diff));
    if (!isFree || !budget.take(owner, size)) {
      for (const each of resent) sub.resend.add(each.name);
      return "deferred";
    }
    if (resent.length > 0) this.#repeats++;
    if (sub.type.name === "cluster" && (!isFirst || sub.sent.resources.size > 0)) owner.warm(changed);
    sub.apply("send");
    sub.sent = next;
    sub.nonce = message.nonce;
    sub.sentAt = Date.now();
    this.#shared.onSent(sub.type, size);
    const hasRoom = this.#stream.write(message.bytes(), () => budget.give(owner, size));
    log.debug(
      {
        ...{ proxy: this.#proxy, type: sub.type.shortName, resources: changed.length },
        ...{ removed: removed.length, bytes: size },
      },
      "push",
    );
    return hasRoom ? "sent" : "congested";
  }
}

/** What the client drops for a change: to let go of ten thousand routes keeps an Envoy as busy as to take them in. */
function replacedBytes({ resources }: ResourceSet, { changed, removed }: ResourceDiff): number {
  let bytes = 0;
  for (const { name } of changed) bytes += resources.get(name)?.bytes.byteLength ?? 0;
  for (const name of removed) bytes += resources.get(name)?.bytes.byteLength ?? 0;
  return bytes;
}

/** Takes the resources that are due although they did not change. */
function takeResent(
  sub: Subscription,
  next: ResourceSet,
  changed: readonly EncodedResource[],
): readonly EncodedResource[] {
  const resent = [...sub.resend]
    .flatMap((name) => next.resources.get(name) ?? [])
    .filter((each) => !isInitialVersion(each) && !changed.includes(each));
  sub.resend.clear();
  return resent;
}

const NOTHING: readonly EncodedResource[] = [];
