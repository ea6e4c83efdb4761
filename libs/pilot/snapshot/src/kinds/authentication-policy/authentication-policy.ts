import { readJwks } from "@xebec/model-pki";
import { type AuthenticationPolicySpec, ineffectiveFields, type Resource } from "@xebec/model-resources";
import { withReplaced } from "../../collections/by-age.ts";
import { PersistentMap } from "../../collections/persistent-map.ts";
import { type KeySetReads, keySetProblems } from "../../key-sets/problems.ts";
import { attached, ignored, unlessUnused } from "../conditions.ts";
import { type ConfigKind, namedObject } from "../kind.ts";
import {
  type AuthenticationPolicy,
  type AuthenticationPolicyState,
  authenticationPolicyKeys,
  isForAll,
} from "./state.ts";

const GROUP = "authentication.istio.io";

/** Policy and MeshPolicy of Istio 1.1. */
export const authenticationPolicyKind = {
  group: GROUP,
  kind: undefined,
  keys: authenticationPolicyKeys,
  initial: (): AuthenticationPolicyState => ({ authenticationPolicies: PersistentMap.empty() }),
  make(resource) {
    const { spec } = resource as Resource<AuthenticationPolicySpec>;
    const origins = spec.origins?.map(({ jwt }) =>
      jwt?.jwks ? { jwt: { ...jwt, jwks: readJwks(jwt.jwks) } } : { jwt },
    );
    return {
      ...namedObject(resource),
      scope: resource.kind === "MeshPolicy" ? "" : resource.namespace,
      spec: origins ? ({ ...spec, origins } as AuthenticationPolicySpec) : spec,
    };
  },
  keySources: ({ spec }) => (spec.origins ?? []).flatMap(({ jwt }) => jwt ?? []),
  replace({ state, changed, batch }, before, after) {
    const scope = (before ?? after)?.scope;
    if (scope === undefined) return;
    const list = withReplaced(state.authenticationPolicies.get(scope) ?? [], before, after);
    state.authenticationPolicies = state.authenticationPolicies.edit(
      [[scope, list.length > 0 ? list : undefined]],
      batch,
    );
    changed.add(authenticationPolicyKeys.authenticationPolicy(scope));
  },
  *parts({ authenticationPolicies }) {
    for (const [scope, list] of authenticationPolicies.entries())
      yield [authenticationPolicyKeys.authenticationPolicy(scope), list];
  },
  *conditions(snapshot, proxies) {
    for (const list of snapshot.authenticationPolicies.values())
      for (const each of list) {
        const { key, spec } = each;
        const kind = key.split("/")[1] ?? "";
        if (!isForAll(each) && !spec.targets?.length)
          yield ignored(
            key,
            "NoProxyAffected",
            "spec.targets: is empty; only the object named default is for all services",
          );
        else {
          const problems = (spec.origins ?? []).flatMap(({ jwt }, i) =>
            jwt ? keySetProblems(jwt, `spec.origins[${i}].jwt`, snapshot) : [],
          );
          yield unlessUnused(attached(key, [...problems, ...ineffectiveFields(GROUP, kind, spec)]), proxies);
        }
      }
  },
} satisfies ConfigKind<AuthenticationPolicy, AuthenticationPolicyState, AuthenticationPolicyState & KeySetReads>;
