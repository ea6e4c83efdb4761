import { type EncodedResource, type ResourceSet, resourceSet } from "@xebec/pilot-xds-gen";

/** Sets with a resource of which only the version is known, as a client named it. */
const WITH_INITIAL_VERSIONS = new WeakSet<ResourceSet>();

/**
 * What a client still has of an earlier stream: names and versions, without bytes.
 * @param except names that are left out, so that they are sent
 */
export function initialVersionsSet(versions: ReadonlyMap<string, string>, except: ReadonlySet<string>): ResourceSet {
  const believed = [...versions].filter(([name]) => !except.has(name));
  return setWithInitialVersions(believed.map(([name, version]) => ({ name, version, bytes: NONE, configKeys: [] })));
}

/** A set of resources; of some, only the version may be known. */
export function setWithInitialVersions(resources: readonly EncodedResource[]): ResourceSet {
  const set = resourceSet(resources);
  if (resources.some(isInitialVersion)) WITH_INITIAL_VERSIONS.add(set);
  return set;
}

/** True when of some resource only the version is known: then the set's version means nothing to other clients. */
export function hasInitialVersions(set: ResourceSet): boolean {
  return WITH_INITIAL_VERSIONS.has(set);
}

/** True for a resource of which only the version is known: it cannot be sent. */
export function isInitialVersion(resource: EncodedResource): boolean {
  return resource.bytes.length === 0;
}

const NONE = new Uint8Array();
