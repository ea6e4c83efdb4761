import { EMPTY_SET, type ResourceSet } from "@xebec/pilot-xds-gen";
import type { XdsRequest } from "../wire/request.ts";
import { initialVersionsSet, setWithInitialVersions } from "./initial-versions.ts";
import type { NameSets } from "./name-sets.ts";
import type { Subscription } from "./subscription.ts";

const NONE: ReadonlySet<string> = new Set();

/** Takes the names of a state-of-the-world request. @returns true when they have changed */
export function takeNames(sub: Subscription, request: XdsRequest, names: NameSets): boolean {
  if (sub.isWildcard) return false;
  if (Buffer.compare(sub.requested.bytes, request.nameBytes) === 0) return false;
  const before = sub.names;
  sub.requested = names.ofBytes(request.nameBytes, request.names);
  sub.names = sub.requested.set;
  if (sub.names === before) return false;
  // A name that was dropped and is requested again must be answered: Envoy has forgotten its resource.
  forget(sub);
  return true;
}

/**
 * Takes the names of a Delta request: those that are added and removed, and what the client has of an earlier stream.
 * @param warming clusters that changed since: their endpoints are sent though the client has them
 * @returns true when the names have changed, or some were requested again
 */
export function takeDeltaNames(
  sub: Subscription,
  request: XdsRequest,
  names: NameSets,
  warming: ReadonlySet<string>,
): boolean {
  const { nameBytes, unsubscribe, initialVersions, nonce } = request;
  const isFirst = sub.names === undefined;
  if (initialVersions.size > 0 && sub.state === "initial")
    sub.sent = sub.acked = initialVersionsSet(initialVersions, warming);
  if (sub.isWildcard) return false;
  if (nameBytes.length === 0 && unsubscribe.length === 0 && !isFirst && nonce !== "") return false;
  if (isFirst && unsubscribe.length === 0 && initialVersions.size === 0) {
    // Proxies that are alike ask for the same with the same bytes: the names are read once for all of them.
    sub.requested = names.ofBytes(nameBytes, () => [...request.subscribe()]);
    sub.names = sub.requested.set;
    return true;
  }
  const subscribe = request.subscribe();
  const wanted = new Set(sub.names?.names);
  const known = isFirst ? NONE : new Set(wanted);
  if (isFirst) for (const name of initialVersions.keys()) wanted.add(name);
  for (const name of unsubscribe) wanted.delete(name);
  for (const name of subscribe) {
    // A name that is requested again is answered again, even if unchanged. At the beginning of a stream it only says what the client has.
    if (known.has(name) && sub.sent.resources.has(name)) sub.resend.add(name);
    wanted.add(name);
  }
  sub.names = names.of(wanted);
  forget(sub);
  return true;
}

/** A client that starts a type over has no resources of it any more. */
export function startOver(sub: Subscription): void {
  sub.sent = sub.acked = EMPTY_SET;
  sub.rejectedVersion = "";
  sub.rejections = 0;
}

/** The number of bytes of a request, from `at` on, that repeat the names of an earlier one. */
export function repeatedNames(subs: Iterable<Subscription>, request: Buffer, at: number): number {
  for (const { requested } of subs) {
    const { length } = requested.bytes;
    if (
      length > 0 &&
      request.length - at >= length &&
      request.compare(requested.bytes, 0, length, at, at + length) === 0
    )
      return length;
  }
  return 0;
}

/** Drops the resources that the client does not request any more: it does not have them. */
function forget(sub: Subscription): void {
  sub.rejectedVersion = "";
  if (sub.sent.resources.size === 0 && sub.acked.resources.size === 0) return;
  const wanted = new Set(sub.names?.names);
  const keep = (set: ResourceSet): ResourceSet =>
    [...set.resources.keys()].every((name) => wanted.has(name))
      ? set
      : setWithInitialVersions([...set.resources.values()].filter((each) => wanted.has(each.name)));
  const same = sub.acked === sub.sent;
  sub.sent = keep(sub.sent);
  sub.acked = same ? sub.sent : keep(sub.acked);
}
