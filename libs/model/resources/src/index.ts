export { annotationBytes, MAX_ANNOTATION_BYTES } from "./annotations.ts";
export {
  CONDITION_TYPES,
  type Condition,
  type ConditionStatus,
  decodeCondition,
  encodeCondition,
  type HostAddress,
  outcomeOf,
  statusKey,
  statusOf,
} from "./condition.ts";
export { contentHash } from "./content-hash.ts";
export { allCrds, type Crd, crdOf } from "./crd/crd.ts";
export { ineffectiveFields } from "./ineffective.ts";
export type { Kind, KindNames, PrinterColumn, UnsupportedKind } from "./kind.ts";
export { COMMANDS } from "./kinds/shared/envoy-commands.ts";
export * from "./kinds.ts";
export {
  type ConfigPosition,
  controllersOf,
  decodeObserved,
  encodeObserved,
  hasReached,
  isObservedKey,
  type Observed,
  observedKey,
} from "./observed.ts";
export {
  CONDITION_CONTROLLERS,
  type ConditionController,
  type ConditionOutcome,
  type ConditionReason,
  REASONS,
  type ReasonOf,
} from "./reasons.ts";
export { type Page, referencePages } from "./reference/page.ts";
export {
  collectionOf,
  decodeResource,
  encodeResource,
  keyOf,
  parseKey,
  type Resource,
  type SourceLocation,
} from "./resource.ts";
export { withoutTextConversion } from "./rules/cel.ts";
export { Checker } from "./rules/checker.ts";
export { regexFinder } from "./rules/regex.ts";
