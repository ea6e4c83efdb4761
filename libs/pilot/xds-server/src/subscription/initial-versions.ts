import { type EncodedResource, type ResourceSet, resourceSet } from "@xebec/pilot-xds-gen";

/** Sets that hold something of which only the client's word is known. */
const CLAIMED = new WeakSet<ResourceSet>();

/**
 * What a client says it still has from an earlier stream: names and versions, without any bytes.
 * @param except names that are not believed, so that they are sent
 */
export function claimedSet(versions: ReadonlyMap<string, string>, except: ReadonlySet<string>): ResourceSet {
  const believed = [...versions].filter(([name]) => !except.has(name));
  return setWithClaims(believed.map(([name, version]) => ({ name, version, bytes: NONE, origins: [] })));
}

/** A set of resources of which some may be a client's claims. */
export function setWithClaims(resources: readonly EncodedResource[]): ResourceSet {
  const set = resourceSet(resources);
  if (resources.some(isClaim)) CLAIMED.add(set);
  return set;
}

/** True when something in the set is a client's claim: then its version says nothing about its content to anybody else. */
export function hasClaims(set: ResourceSet): boolean {
  return CLAIMED.has(set);
}

/** True for a resource whose bytes nobody here knows: it cannot be sent. */
export function isClaim(resource: EncodedResource): boolean {
  return resource.bytes.length === 0;
}

const NONE = new Uint8Array();
