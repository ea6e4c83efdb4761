import type { Transitions } from "../state-machine.ts";
import type { XdsRequest } from "../wire/request.ts";

/**
 * Where one type stands on one stream (docs/xds-server.md, "Subscription"):
 * - `initial`: nothing was sent yet; the first response is due even when it is empty.
 * - `awaitingAck`: a response is under way; nothing else of the type is sent.
 * - `overdue`: the response was waited for long enough; it defers nothing any more and may be overtaken.
 * - `idle`: the last response was acknowledged or rejected.
 */
export type SubscriptionState = "initial" | "awaitingAck" | "overdue" | "idle";

/** What a request of the client means for its subscription. */
export type RequestEvent = "subscribe" | "restart" | "stale" | "ack" | "nack";

/** What moves a subscription: a request, a response that is sent, or a response that is not answered in time. */
export type SubscriptionEvent = RequestEvent | "send" | "timeout";

export const SUBSCRIPTION_TRANSITIONS: Transitions<SubscriptionState, SubscriptionEvent> = {
  initial: { subscribe: "initial", send: "awaitingAck" },
  awaitingAck: {
    ...{ subscribe: "awaitingAck", stale: "awaitingAck", restart: "initial" },
    ...{ ack: "idle", nack: "idle", timeout: "overdue" },
  },
  overdue: {
    ...{ subscribe: "overdue", stale: "overdue", restart: "initial" },
    ...{ ack: "idle", nack: "idle", send: "awaitingAck" },
  },
  idle: { subscribe: "idle", stale: "idle", restart: "initial", send: "awaitingAck" },
};

/**
 * What a request means.
 * @param nonce that of the last response; empty when there was none
 * @param delta true for the Delta form, in which a request without a nonce only adds to the subscription
 */
export function requestEvent(
  state: SubscriptionState,
  nonce: string,
  request: Pick<XdsRequest, "nonce" | "error">,
  delta: boolean,
): RequestEvent {
  // A nonce before the first response is that of an earlier stream.
  if (state === "initial") return "subscribe";
  if (request.nonce === "") return delta ? "subscribe" : "restart";
  if (request.nonce !== nonce) return "stale";
  // The response was answered before: the nonce only says what the change of names goes on from.
  if (state === "idle") return "subscribe";
  return request.error ? "nack" : "ack";
}
