export { annotationBytes, MAX_ANNOTATION_BYTES } from "./annotations.ts";
export { type Condition, decodeCondition, encodeCondition, statusKey } from "./condition.ts";
export { allCrds, type Crd, crdOf } from "./crd/crd.ts";
export { ineffectiveFields } from "./ineffective.ts";
export type { Kind, KindNames, PrinterColumn, UnsupportedKind } from "./kind.ts";
export * from "./kinds.ts";
export { meaningMark } from "./meaning-mark.ts";
export {
  type ConfigPosition,
  consumersOf,
  decodeObserved,
  encodeObserved,
  hasReached,
  isObservedKey,
  type Observed,
  observedKey,
} from "./observed.ts";
export { type ConditionReason, type ConditionSpeaker, type ConditionState, REASONS, type ReasonOf } from "./reasons.ts";
export { type Page, referencePages } from "./reference/page.ts";
export {
  collectionOf,
  decodeResource,
  encodeResource,
  keyOf,
  type Origin,
  parseKey,
  type Resource,
} from "./resource.ts";
export { Checker } from "./rules/checker.ts";
