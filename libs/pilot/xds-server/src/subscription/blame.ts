import type { ResourcePart } from "@xebec/pilot-xds-gen";
import { mentionsPart } from "./mentions.ts";

/** A resource, or a part of one that has parts of its own. */
export interface Blamable {
  readonly configKeys: readonly string[];
  readonly parts?: readonly ResourcePart[];
}

/**
 * The keys of the configuration objects behind what a client rejected: those of the parts that differ from what it accepted last,
 * and among them of those that its message mentions. Where no part differs, it is the rest of the resource: then all keys.
 * @param accepted undefined when the client has accepted nothing of this name
 */
export function blamedKeys(accepted: Blamable | undefined, rejected: Blamable, message: string): readonly string[] {
  const changed = changedParts(accepted, rejected);
  if (changed.length === 0) return rejected.configKeys;
  const before = new Map(accepted?.parts?.map((part) => [part.name, part]));
  const keys = changed
    .filter(({ isMentioned }) => isMentioned(message) || !changed.some((each) => each.isMentioned(message)))
    .flatMap(({ part }) => blamedKeys(part.name === "" ? undefined : before.get(part.name), part, message));
  return [...new Set(keys)];
}

/** A part that differs from what was accepted. */
export interface ChangedPart {
  readonly part: ResourcePart;
  /** True when a message is about it. */
  readonly isMentioned: (message: string) => boolean;
}

/** The parts that are in no accepted resource as they are. */
export function changedParts(accepted: Blamable | undefined, rejected: Blamable): readonly ChangedPart[] {
  const known = new Set(accepted?.parts?.map(({ version }) => version));
  return (rejected.parts ?? []).flatMap((part, index) =>
    known.has(part.version) ? [] : { part, isMentioned: (message: string) => mentionsPart(message, part, index) },
  );
}
