import type { PeerAuthenticationSpec } from "@xebec/model-resources";
import type { PersistentMap } from "../../collections/persistent-map.ts";
import { Query } from "../../query.ts";
import type { NamedObject } from "../kind.ts";

export interface PeerAuthentication extends NamedObject {
  readonly spec: PeerAuthenticationSpec;
}

export interface PeerAuthenticationState {
  /** By namespace, the oldest first. */
  readonly peerAuthentications: PersistentMap<readonly PeerAuthentication[]>;
}

export const peerAuthenticationKeys = {
  peerAuthentication: (namespace: string): string => `pa/${namespace}`,
} as const;

const NONE: readonly PeerAuthentication[] = [];

/** The PeerAuthentications of a namespace, the oldest first. */
export const peerAuthenticationsOf = new Query(
  ({ peerAuthentications }: PeerAuthenticationState, keys, namespace: string): readonly PeerAuthentication[] => {
    keys.add(peerAuthenticationKeys.peerAuthentication(namespace));
    return peerAuthentications.get(namespace) ?? NONE;
  },
);
