import { type EncodedResource, type ResourceSet, resourceSet } from "@xebec/pilot-xds-gen";

/** Sets that hold something of which only the client's word is known. */
const WITH_INITIAL_VERSIONS = new WeakSet<ResourceSet>();

/**
 * What a client says it still has from an earlier stream: names and versions, without any bytes.
 * @param except names that are not believed, so that they are sent
 */
export function initialVersionsSet(versions: ReadonlyMap<string, string>, except: ReadonlySet<string>): ResourceSet {
  const believed = [...versions].filter(([name]) => !except.has(name));
  return setWithInitialVersions(believed.map(([name, version]) => ({ name, version, bytes: NONE, configKeys: [] })));
}

/** A set of resources of which some may be a client's claims. */
export function setWithInitialVersions(resources: readonly EncodedResource[]): ResourceSet {
  const set = resourceSet(resources);
  if (resources.some(isInitialVersion)) WITH_INITIAL_VERSIONS.add(set);
  return set;
}

/** True when something in the set is a client's claim: then its version says nothing about its content to anybody else. */
export function hasInitialVersions(set: ResourceSet): boolean {
  return WITH_INITIAL_VERSIONS.has(set);
}

/** True for a resource whose bytes nobody here knows: it cannot be sent. */
export function isInitialVersion(resource: EncodedResource): boolean {
  return resource.bytes.length === 0;
}

const NONE = new Uint8Array();
