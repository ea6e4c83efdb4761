import { EMPTY_SET, type NameSet, type ResourceSet, type ResourceType } from "@xebec/pilot-xds-gen";
import { nextState } from "../state-machine.ts";
import type { RequestedNames } from "./name-sets.ts";
import type { Quarantined } from "./quarantined.ts";
import { SUBSCRIPTION_TRANSITIONS, type SubscriptionEvent, type SubscriptionState } from "./states.ts";

const NOTHING: RequestedNames = { bytes: new Uint8Array(), set: { key: "", names: [] } };

/** What one client has of one type, as the server sees it; the same for both forms of xDS. Its connection owns it. */
export class Subscription {
  /** The type as the table of resource types has it. */
  readonly type: ResourceType;
  #state: SubscriptionState = "initial";
  /** What it subscribed to; undefined for all there is (clusters, listeners). */
  names: NameSet | undefined;
  /** The names in the client's last request: an acknowledgement that repeats them is known by their bytes. */
  requested: RequestedNames = NOTHING;
  /** What it should have, as of an epoch of the generator: each acknowledgement asks for it again. */
  desired: { readonly epoch: number; readonly names: NameSet | undefined; readonly set: ResourceSet } | undefined;
  /** What it was sent last. */
  sent: ResourceSet = EMPTY_SET;
  /** What it accepted last. */
  acked: ResourceSet = EMPTY_SET;
  /** Nonce of the last response; empty before the first. */
  nonce = "";
  /** Nonce of the last response that was accepted. */
  ackedNonce = "";
  /** The error of the last response that was rejected, until all resources are accepted again. */
  lastError = "";
  /** When the last response was sent, in milliseconds since 1970; 0 before the first. */
  sentAt = 0;
  /** Names whose resource is sent again though it did not change: endpoints of a cluster that Envoy warms anew. */
  readonly resend = new Set<string>();
  /** Resources, and parts of resources, that the client rejected. */
  readonly quarantine = new Map<string, Quarantined>();
  /** How many responses the client rejected since it accepted one. */
  rejections = 0;
  /** Version of a set that the client rejected though nothing in it was new: it is not sent once more. Empty for none. */
  rejectedVersion = "";
  /** True while names are still served that are to go once everything else was accepted. */
  removalsDeferred = false;

  constructor(type: ResourceType) {
    this.type = type;
  }

  /** True when all resources of the type are served, and none by name. */
  get isWildcard(): boolean {
    return this.type.subscription === "wildcard";
  }

  /** True when a state-of-the-world response has all resources, so that what is not in it is gone. */
  get isComplete(): boolean {
    return this.isWildcard || this.type.complete === true;
  }

  /** True when the client wants anything of the type: all of it, or names. */
  get isSubscribed(): boolean {
    return this.isWildcard || (this.names?.names.length ?? 0) > 0;
  }

  get state(): SubscriptionState {
    return this.#state;
  }

  /** @throws Error for an event that cannot happen in this state */
  apply(event: SubscriptionEvent): void {
    this.#state = nextState(SUBSCRIPTION_TRANSITIONS, this.#state, event);
  }
}
