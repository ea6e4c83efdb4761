import type { PeerAuthenticationSpec, Resource } from "@xebec/model-resources";
import { withReplaced } from "../../collections/by-age.ts";
import { PersistentMap } from "../../collections/persistent-map.ts";
import { type ConfigKind, namedObject } from "../kind.ts";
import { type PeerAuthenticationReads, peerAuthenticationConditions } from "./conditions.ts";
import { type PeerAuthentication, type PeerAuthenticationState, peerAuthenticationKeys } from "./state.ts";

const { peerAuthentication } = peerAuthenticationKeys;

export const peerAuthenticationKind = {
  group: "security.istio.io",
  kind: "PeerAuthentication",
  keys: peerAuthenticationKeys,
  initial: (): PeerAuthenticationState => ({ peerAuthentications: PersistentMap.empty() }),
  make: (resource) => ({ ...namedObject(resource), spec: (resource as Resource<PeerAuthenticationSpec>).spec }),
  selectorLabels: ({ spec }) => Object.keys(spec.selector?.matchLabels ?? {}),
  replace({ state, changed, batch }, before, after) {
    const namespace = (before ?? after)?.namespace;
    if (namespace === undefined) return;
    const list = withReplaced(state.peerAuthentications.get(namespace) ?? [], before, after);
    state.peerAuthentications = state.peerAuthentications.edit(
      [[namespace, list.length > 0 ? list : undefined]],
      batch,
    );
    changed.add(peerAuthentication(namespace));
  },
  *parts({ peerAuthentications }) {
    for (const [namespace, list] of peerAuthentications.entries()) yield [peerAuthentication(namespace), list];
  },
  conditions: peerAuthenticationConditions,
} satisfies ConfigKind<PeerAuthentication, PeerAuthenticationState, PeerAuthenticationReads>;
