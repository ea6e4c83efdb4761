import { type EncodedResource, type ResourcePart, unpatched } from "@xebec/pilot-xds-gen";

/** What a composed resource was made of. */
const bases = new WeakMap<EncodedResource, EncodedResource>();
const partsByName = new WeakMap<EncodedResource, ReadonlyMap<string, ResourcePart>>();
const known = new WeakMap<EncodedResource, Map<string, EncodedResource>>();
/** Limit of the compositions that are kept for each resource; beyond it they are made again. */
const KEPT = 16;

/**
 * A resource with some of its parts as a client accepted them last, or without them where it accepted none. Equal compositions are
 * one object, so that the NACKs of a thousand proxies cost one.
 */
export function composed(
  desired: EncodedResource,
  accepted: EncodedResource | undefined,
  parts: readonly string[],
): EncodedResource {
  const instead = new Map(
    parts.map((name) => [name, (accepted && partNamed(accepted, name)) ?? unpatchedPart(desired, name)]),
  );
  const key = JSON.stringify([...instead].map(([name, part]) => [name, part?.version]));
  let made = known.get(desired);
  if (!made) {
    made = new Map();
    known.set(desired, made);
  }
  let resource = made.get(key);
  if (!resource) {
    resource = desired.withParts?.(instead) ?? desired;
    const [oldest] = made.keys();
    if (made.size >= KEPT && oldest !== undefined) made.delete(oldest);
    made.set(key, resource);
    bases.set(resource, baseOf(desired));
  }
  return resource;
}

function unpatchedPart(desired: EncodedResource, name: string): ResourcePart | undefined {
  const part = partNamed(desired, name);
  return part && unpatched(part);
}

/** A resource without the patches that changed it: for a client that rejects it and has accepted none before. */
export function withoutPatches(desired: EncodedResource): EncodedResource | undefined {
  const resource = unpatched(desired);
  if (resource) bases.set(resource, baseOf(desired));
  return resource;
}

/** The resource that should be served where a composed one is. */
export function baseOf(resource: EncodedResource): EncodedResource {
  return bases.get(resource) ?? resource;
}

export function partNamed(resource: EncodedResource, name: string): ResourcePart | undefined {
  let parts = partsByName.get(resource);
  if (!parts) {
    parts = new Map(resource.parts?.map((part) => [part.name, part]));
    partsByName.set(resource, parts);
  }
  return parts.get(name);
}
