import {
  CONDITION_TYPES,
  type Condition,
  type ConditionController,
  type ConditionReason,
  statusOf,
} from "@xebec/model-resources";

/** A condition as a controller writes it. @param object `keyOf` */
export function conditionOf(
  controller: ConditionController,
  object: string,
  reason: ConditionReason,
  more: Partial<Condition> = {},
): Condition {
  const [type, status] = [CONDITION_TYPES[controller], statusOf(reason)];
  const times = { lastTransitionTime: new Date(0).toISOString(), lastUpdateTime: new Date(0).toISOString() };
  return { object, controller, type, status, reason, message: "", ...times, ...more };
}
