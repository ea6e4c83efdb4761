import type { RequestAuthenticationSpec } from "@xebec/model-resources";
import type { PersistentMap } from "../../collections/persistent-map.ts";
import { Query } from "../../query.ts";
import type { NamedObject } from "../kind.ts";
import type { MeshState } from "../mesh-config/state.ts";
import { policySelects, type SelectedProxy } from "../shared/policy-selection.ts";

export interface RequestAuthentication extends NamedObject {
  readonly spec: RequestAuthenticationSpec;
}

export interface RequestAuthenticationState {
  /** By namespace, the oldest first. */
  readonly requestAuthentications: PersistentMap<readonly RequestAuthentication[]>;
}

export const requestAuthenticationKeys = {
  requestAuthentication: (namespace: string): string => `ra/${namespace}`,
} as const;

/** The RequestAuthentications for a proxy: those of the root namespace, then those of its own, the oldest first. */
export const requestAuthenticationsOf = new Query(
  (
    { requestAuthentications, mesh: { rootNamespace } }: RequestAuthenticationState & MeshState,
    keys,
    proxy: SelectedProxy,
  ): readonly RequestAuthentication[] =>
    [...new Set([rootNamespace, proxy.namespace])].flatMap((namespace) => {
      keys.add(requestAuthenticationKeys.requestAuthentication(namespace));
      const list = requestAuthentications.get(namespace) ?? [];
      return list.filter((each) => policySelects(each, rootNamespace, proxy));
    }),
);
