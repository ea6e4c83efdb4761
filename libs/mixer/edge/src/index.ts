export {
  type Answer,
  type DeclaredFailure,
  type EdgeRule,
  type EdgeStep,
  NO_POLICY,
  type PolicyObjects,
} from "./edge-rule.ts";
export { destinationLabelsIn } from "./labels.ts";
export { type CallReason, callReasonOf, type Policy, type PolicyTarget, policyOf, tcpPolicyOf } from "./policy.ts";
export { readPolicyObjects } from "./read-rules.ts";
