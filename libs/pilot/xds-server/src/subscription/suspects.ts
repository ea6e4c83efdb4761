import { diffOf, type EncodedResource, type ResourceSet } from "@xebec/pilot-xds-gen";
import { blamedKeys, changedParts } from "./blame.ts";
import { baseOf, composed, partNamed } from "./composed.ts";
import { isInitialVersion } from "./initial-versions.ts";
import { mentions } from "./mentions.ts";

/** What may have caused the NACK of a response that a client rejected: a resource, or a part that can be replaced by itself. */
export interface Suspect {
  readonly resource: string;
  /** The name of the part; undefined for the whole resource. */
  readonly part: string | undefined;
  /** Version of the resource, or of the part, as it should be served. */
  readonly version: string;
  /** Keys of the configuration objects behind it. */
  readonly configKeys: readonly string[];
  /** True when the client's message is about it. */
  readonly isMentioned: boolean;
  /**
   * True when it is the cause if nothing else is suspected. False for a part of a resource of which the client has not accepted what is
   * around the parts: that may be the cause as well.
   */
  readonly isSufficient: boolean;
}

/**
 * Everything that is new since the client accepted a response: resources, or their parts where those can be replaced one by one.
 * The client's message narrows it, by the names of resources, and by the names or places of parts.
 * @param byPart false: whole resources only
 */
export function suspectsOf(
  accepted: ResourceSet,
  rejected: ResourceSet,
  message: string,
  byPart: boolean,
): readonly Suspect[] {
  const { changed } = diffOf(accepted, rejected);
  const mentioned = changed.filter(({ name }) => mentions(message, name));
  const all = (mentioned.length > 0 ? mentioned : changed).flatMap((resource) =>
    suspectsIn(accepted.resources.get(resource.name), resource, message, { isMentioned: mentioned.length > 0, byPart }),
  );
  const named = all.filter(({ isMentioned }) => isMentioned);
  return named.length > 0 ? named : all;
}

function suspectsIn(
  accepted: EncodedResource | undefined,
  resource: EncodedResource,
  message: string,
  { isMentioned, byPart }: { readonly isMentioned: boolean; readonly byPart: boolean },
): Suspect[] {
  const { name } = resource;
  const base = baseOf(resource);
  // Of what a client has of an earlier stream nobody here has the parts: it keeps the whole.
  const isReplaceable = byPart && resource.withParts !== undefined && !(accepted && isInitialVersion(accepted));
  const parts = isReplaceable ? changedParts(accepted, resource) : [];
  if (parts.length === 0)
    return [
      {
        ...{ resource: name, part: undefined, version: base.version, isMentioned, isSufficient: true },
        configKeys: blamedKeys(accepted, resource, message),
      },
    ];
  const names = parts.map(({ part }) => part.name);
  const isSufficient = accepted !== undefined && composed(resource, accepted, names).version === accepted.version;
  return parts.map(({ part, isMentioned: isPartMentioned }) => ({
    ...{ resource: name, part: part.name, isMentioned: isPartMentioned(message), isSufficient },
    version: partNamed(base, part.name)?.version ?? part.version,
    configKeys: blamedKeys(accepted && partNamed(accepted, part.name), part, message),
  }));
}
