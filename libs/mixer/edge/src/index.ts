export type { Answer, EdgeRule, EdgeStep, PolicyObjects } from "./edge-rule.ts";
export { destinationLabelsIn } from "./labels.ts";
export { type CallReason, callReasonOf, type Policy, type PolicyTarget, policyOf } from "./policy.ts";
export { NO_POLICY, readPolicyObjects } from "./read-rules.ts";
