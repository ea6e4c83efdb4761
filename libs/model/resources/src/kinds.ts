import { notSupported } from "@xebec/model-schema";
import type { Kind, UnsupportedKind } from "./kind.ts";
import { destinationRule } from "./kinds/destination-rule/index.ts";
import { gateway } from "./kinds/gateway/index.ts";
import { meshConfig } from "./kinds/mesh-config/index.ts";
import { mixerKinds } from "./kinds/mixer/index.ts";
import { peerAuthentication } from "./kinds/peer-authentication/index.ts";
import { serviceEntry } from "./kinds/service-entry/index.ts";
import { UNSUPPORTED_KINDS } from "./kinds/unsupported.ts";
import { virtualService } from "./kinds/virtual-service/index.ts";

/** All kinds that are supported, in the order of their groups. */
export const KINDS: readonly Kind[] = [
  virtualService,
  destinationRule,
  gateway,
  serviceEntry,
  peerAuthentication,
  ...mixerKinds,
  meshConfig,
];

/** Groups of Istio's API, also those of which nothing is supported. */
export const ISTIO_GROUPS: readonly string[] = [...new Set(UNSUPPORTED_KINDS.map(({ group }) => group))];

const byCollection = new Map(KINDS.map((kind) => [`${kind.group}/${kind.kind}`, kind]));
const unsupported = new Map(UNSUPPORTED_KINDS.map((kind) => [`${kind.group}/${kind.kind}`, kind]));

/** The kind of a group and kind name; undefined when it is not known or not supported. */
export function kindOf(group: string, kind: string): Kind | undefined {
  return byCollection.get(`${group}/${kind}`);
}

/** A kind of Istio's that is not supported; undefined when it is, or when Istio has no such kind. */
export function unsupportedKindOf(group: string, kind: string): UnsupportedKind | undefined {
  return unsupported.get(`${group}/${kind}`);
}

/** What is reported of an object of such a kind: `Sidecar of networking.istio.io is not supported by this version`. */
export function unsupportedKindText({ group, kind, advice }: UnsupportedKind): string {
  return `${kind} of ${group} ${notSupported(advice)}`;
}

/** Finds a kind by what a user types: kind, plural, or short name, in any case. */
export function findKind(text: string): Kind | undefined {
  const wanted = text.toLowerCase().split(".")[0] as string;
  return KINDS.find(
    (kind) => kind.kind.toLowerCase() === wanted || kind.plural === wanted || kind.shortNames.includes(wanted),
  );
}
