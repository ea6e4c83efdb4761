import { keySetParts } from "./key-sets/key-sets.ts";
import { CONFIG_KINDS } from "./kinds/registry.ts";
import { hostAddressParts } from "./network-gateways/host-addresses.ts";
import { secretParts } from "./secrets/secrets.ts";
import { podParts } from "./services/pods.ts";
import { serviceParts } from "./services/services.ts";
import { dependency, type Snapshot } from "./snapshot.ts";

/** A snapshot in parts, each with the dependency key that a reader of the part notes. */
export function snapshotParts(snapshot: Snapshot): (readonly [key: string, part: unknown])[] {
  return [
    ...serviceParts(snapshot),
    ...podParts(snapshot),
    ...keySetParts(snapshot),
    ...hostAddressParts(snapshot),
    ...secretParts(snapshot),
    ...CONFIG_KINDS.flatMap((kind) => [...kind.parts(snapshot)]),
    ...[...snapshot.selectorLabels].map((label) => [dependency.selectorLabels, label] as const),
  ];
}
