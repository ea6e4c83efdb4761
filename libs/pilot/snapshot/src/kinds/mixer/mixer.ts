import { callReasonOf, destinationLabelsIn, NO_POLICY, type PolicyObjects, tcpPolicyOf } from "@xebec/mixer-edge";
import { keyOf, type Resource, type RuleSpec, ruleCondition } from "@xebec/model-resources";
import { PersistentMap } from "../../collections/persistent-map.ts";
import { Query } from "../../query.ts";
import { attached } from "../conditions.ts";
import type { ConfigKind } from "../kind.ts";
import { type MixerHooks, mixerHooksOf, NO_MIXER } from "./mixer-hooks.ts";

export interface MixerState {
  /** Every object of Mixer's, by `keyOf`. */
  readonly mixerObjects: PersistentMap<Resource>;
  readonly mixer: MixerHooks;
  /** Of its rules those that may decide about connections without HTTP: listeners depend on them. */
  readonly mixerTcp: PolicyObjects;
}

export const mixerKeys = { mixer: "mixer", mixerTcp: "mixer-tcp", mixerReports: "mixer-reports" } as const;

/** What Mixer's configuration asks of proxies. */
export const mixerHooks = new Query(({ mixer }: MixerState, keys): MixerHooks => {
  keys.add(mixerKeys.mixer);
  return mixer;
});

/** Whether some rule reports: listeners depend on it, and on nothing else of those rules. */
export const mixerReports = new Query(({ mixer }: MixerState, keys): boolean => {
  keys.add(mixerKeys.mixerReports);
  return mixer.reports;
});

/** The rules that may decide about connections without HTTP. */
export const mixerTcpPolicy = new Query(({ mixerTcp }: MixerState, keys): PolicyObjects => {
  keys.add(mixerKeys.mixerTcp);
  return mixerTcp;
});

/** What becomes of a request that mixer-policy gives no answer to. */
const WITHOUT = {
  open: "requests pass, as its handlers declare, unless a handler of another rule for the service declares otherwise",
  closed: "requests are denied, as a handler declares",
  mesh: "policyCheckFailOpen of the mesh decides, unless a handler of a rule for the service declares closed",
} as const;

/**
 * Mixer's kinds together: what pilot reads of a rule is in the instances that it names. Whether objects are in effect Mixer itself says;
 * pilot says of each rule that decides about requests who decides.
 */
export const mixerKinds = {
  group: "config.istio.io",
  kind: undefined,
  keys: mixerKeys,
  initial: (): MixerState => ({ mixerObjects: PersistentMap.empty(), mixer: NO_MIXER, mixerTcp: NO_POLICY }),
  make(resource) {
    // One that cannot be read must not stand in the way of all.
    mixerHooksOf(new Map([[keyOf(resource), resource]]));
    return resource;
  },
  selectorLabels: ({ kind, spec }) =>
    kind === "rule" ? destinationLabelsIn(ruleCondition(spec as RuleSpec).text) : [],
  replace({ state, batch }, before, after) {
    const one = before ?? after;
    if (one) state.mixerObjects = state.mixerObjects.edit([[keyOf(one), after]], batch);
  },
  finish({ state, changed }) {
    const mixer = mixerHooksOf(state.mixerObjects);
    if (JSON.stringify(mixer) === JSON.stringify(state.mixer)) return;
    if (mixer.reports !== state.mixer.reports) changed.add(mixerKeys.mixerReports);
    state.mixer = mixer;
    changed.add(mixerKeys.mixer);
    const mixerTcp = tcpPolicyOf(mixer.policy);
    if (JSON.stringify(mixerTcp) === JSON.stringify(state.mixerTcp)) return;
    state.mixerTcp = mixerTcp;
    changed.add(mixerKeys.mixerTcp);
  },
  *parts({ mixer, mixerTcp }) {
    yield [mixerKeys.mixer, mixer];
    yield [mixerKeys.mixerTcp, mixerTcp];
    yield [mixerKeys.mixerReports, mixer.reports];
  },
  *conditions({ mixer: { policy } }) {
    for (const rule of policy.rules) {
      const why = callReasonOf(policy, rule);
      const place =
        why === undefined
          ? "decided by Envoy itself, without a call, wherever no other rule for the service needs mixer-policy"
          : `decided by mixer-policy, which Envoy asks: ${why}; without an answer ${WITHOUT[rule.failure ?? "mesh"]}`;
      yield attached(rule.key, [], place);
    }
  },
} satisfies ConfigKind<Resource, MixerState>;
