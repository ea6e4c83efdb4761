import { EMPTY_SET, type NameSet, type ResourceSet, type XdsType } from "@xebec/pilot-xds-gen";
import type { RequestedNames } from "./name-sets.ts";
import type { QuarantinedResource } from "./quarantine.ts";

const NOTHING: RequestedNames = { bytes: new Uint8Array(), set: { key: "", names: [] } };

/** The server's view of what one client has of one type; the same for both protocols. */
export class Subscription {
  readonly type: XdsType;
  /** What it asked for; undefined for all there is (clusters, listeners). */
  names: NameSet | undefined;
  /** The names in the client's last request: an acknowledgement that repeats them is known by their bytes. */
  requested: RequestedNames = NOTHING;
  /** What it should have, as of an epoch of the generator: each acknowledgement asks for it again. */
  desired: { readonly epoch: number; readonly names: NameSet | undefined; readonly set: ResourceSet } | undefined;
  /** What it was sent last. */
  sent: ResourceSet = EMPTY_SET;
  /** What it accepted last. */
  acked: ResourceSet = EMPTY_SET;
  /** Nonce of the message that is not answered yet; empty when none is. */
  inFlight = "";
  /** True when that message has been waited for long enough: it holds nothing back any more, and may be overtaken. */
  overdue = false;
  /** True until something was sent: the first answer is due even when it is empty. */
  fresh = true;
  /** True once the client accepted or refused something. */
  answered = false;
  lastNonce = "";
  ackedNonce = "";
  lastError = "";
  sentAt = 0;
  /** Names whose resource is sent again though it did not change: endpoints of a cluster that Envoy warms anew. */
  readonly resend = new Set<string>();
  /** Resources that are held back because the client refused them, by name. */
  readonly quarantine = new Map<string, QuarantinedResource>();
  /** Version of a set that the client refused though nothing in it was new: it is not sent once more. Empty for none. */
  refused = "";
  /** Names that go only after everything else was accepted. */
  removalsHeld = false;

  constructor(type: XdsType) {
    this.type = type;
  }
}
