import { readJwks } from "@xebec/model-pki";
import type { RequestAuthenticationSpec, Resource } from "@xebec/model-resources";
import { withReplaced } from "../../collections/by-age.ts";
import { PersistentMap } from "../../collections/persistent-map.ts";
import { type ConfigKind, namedObject } from "../kind.ts";
import { policyLabels } from "../shared/policy-selection.ts";
import { type RequestAuthenticationReads, requestAuthenticationConditions } from "./conditions.ts";
import { type RequestAuthentication, type RequestAuthenticationState, requestAuthenticationKeys } from "./state.ts";

const { requestAuthentication } = requestAuthenticationKeys;

export const requestAuthenticationKind = {
  group: "security.istio.io",
  kind: "RequestAuthentication",
  keys: requestAuthenticationKeys,
  initial: (): RequestAuthenticationState => ({ requestAuthentications: PersistentMap.empty() }),
  make(resource) {
    const { spec } = resource as Resource<RequestAuthenticationSpec>;
    const jwtRules = spec.jwtRules?.map((rule) => (rule.jwks ? { ...rule, jwks: readJwks(rule.jwks) } : rule));
    return { ...namedObject(resource), spec: jwtRules ? { ...spec, jwtRules } : spec };
  },
  selectorLabels: policyLabels,
  keySources: ({ spec }) => spec.jwtRules ?? [],
  replace({ state, changed, batch }, before, after) {
    const namespace = (before ?? after)?.namespace;
    if (namespace === undefined) return;
    const list = withReplaced(state.requestAuthentications.get(namespace) ?? [], before, after);
    state.requestAuthentications = state.requestAuthentications.edit(
      [[namespace, list.length > 0 ? list : undefined]],
      batch,
    );
    changed.add(requestAuthentication(namespace));
  },
  *parts({ requestAuthentications }) {
    for (const [namespace, list] of requestAuthentications.entries()) yield [requestAuthentication(namespace), list];
  },
  conditions: requestAuthenticationConditions,
} satisfies ConfigKind<RequestAuthentication, RequestAuthenticationState, RequestAuthenticationReads>;
