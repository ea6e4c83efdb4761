import { XebecError } from "@xebec/core-errors";
import type { ConditionReason, ConditionState } from "./reasons.ts";

/** What one consumer says of one object: the value of a key in the bucket `status`. */
export interface Condition {
  /** `keyOf` of the object; for a file that has no readable object, `file/<path>`. */
  readonly object: string;
  /** Who says it: `galley`, `pilot`, `mixer-policy`, `mixer-telemetry`. */
  readonly consumer: string;
  readonly state: ConditionState;
  /** A CamelCase word, as in Kubernetes conditions. */
  readonly reason: ConditionReason;
  /** Public text: what, where, what to do. Empty when all is well. */
  readonly message: string;
  /** Where in its source the object or fault is. */
  readonly source?: string;
  readonly line?: number;
  /** Of galley, for an object that it has published: what the object says (`meaningMark`). */
  readonly mark?: string;
  /** RFC 3339. */
  readonly time: string;
}

/** The key of a condition in the bucket `status`. */
export function statusKey(condition: Pick<Condition, "object" | "consumer">): string {
  return `${condition.consumer}/${condition.object}`;
}

/** Encodes a condition for the bus. */
export function encodeCondition(condition: Condition): Uint8Array {
  return Buffer.from(JSON.stringify(condition));
}

/** @throws XebecError data_loss when the bytes are no condition */
export function decodeCondition(bytes: Uint8Array): Condition {
  try {
    const value = JSON.parse(Buffer.from(bytes).toString("utf8")) as Condition;
    if (typeof value.object === "string" && typeof value.consumer === "string") return value;
  } catch (error) {
    throw new XebecError("data_loss", "a value of the bucket `status` is not JSON", { cause: error });
  }
  throw new XebecError("data_loss", "a value of the bucket `status` is no condition");
}
