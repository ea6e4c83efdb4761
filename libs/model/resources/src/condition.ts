import { XebecError } from "@xebec/core-errors";
import { type ConditionController, type ConditionOutcome, type ConditionReason, outcomeOfReason } from "./reasons.ts";

export type ConditionStatus = "True" | "False" | "Unknown";

/** An address that a host was given: an element of Istio's `ServiceEntryStatus.addresses`. */
export interface HostAddress {
  readonly value: string;
  readonly host: string;
}

/**
 * What a controller says of an object: a condition as Kubernetes has it (`metav1.Condition`, and `IstioCondition` of Istio's status),
 * with the object that it is about. It is the value of a key in the bucket `status`.
 */
export interface Condition {
  /** `keyOf` of the object; for a file that has no readable object, `file/<path>`. */
  readonly object: string;
  /** Who says it. */
  readonly controller: ConditionController;
  /** One type for each controller (`CONDITION_TYPES`). */
  readonly type: string;
  readonly status: ConditionStatus;
  /** A CamelCase word that says why; the controller's table in `REASONS` has it. */
  readonly reason: ConditionReason;
  /** Public text: what, where, what to do. Empty when all is well. */
  readonly message: string;
  /** `metadata.generation` of the form of the object that the condition is about; absent where the object has none. */
  readonly observedGeneration?: number;
  /** When the status became what it is, RFC 3339. */
  readonly lastTransitionTime: string;
  /** When the condition was written last, RFC 3339. */
  readonly lastUpdateTime: string;
  /** Where in its source the object or the error is. */
  readonly source?: string;
  readonly line?: number;
  /** The addresses that pilot gave the hosts of a ServiceEntry. */
  readonly addresses?: readonly HostAddress[];
  /** Of galley, for an object that it has published: `contentHash` of the published form. */
  readonly contentHash?: string;
}

/** The type of each controller's condition: `Reconciled` is Istio's, `Accepted` Gateway API's. */
export const CONDITION_TYPES: Readonly<Record<ConditionController, string>> = {
  /** It is valid and published. */
  galley: "Accepted",
  /** The proxies that it is for have it. */
  pilot: "Reconciled",
  /** mixer-policy, and mixer-telemetry, work by it. */
  "mixer-policy": "PolicyReady",
  "mixer-telemetry": "TelemetryReady",
};

const STATUS: Readonly<Record<ConditionOutcome, ConditionStatus>> = {
  accepted: "True",
  attached: "True",
  compiled: "True",
  ignored: "False",
  rejected: "False",
};

/** The status that goes with a reason. */
export function statusOf(reason: ConditionReason): ConditionStatus {
  return STATUS[outcomeOfReason(reason) ?? "rejected"];
}

/** What became of the object. A reason of another release counts by its status. */
export function outcomeOf({ reason, status }: Pick<Condition, "reason" | "status">): ConditionOutcome {
  return outcomeOfReason(reason) ?? (status === "False" ? "rejected" : "attached");
}

/** The key of a condition in the bucket `status`. */
export function statusKey(condition: Pick<Condition, "object" | "controller">): string {
  return `${condition.controller}/${condition.object}`;
}

/** Encodes a condition for the bus. */
export function encodeCondition(condition: Condition): Uint8Array {
  return Buffer.from(JSON.stringify(condition));
}

/** @throws XebecError data_loss when the bytes are no condition */
export function decodeCondition(bytes: Uint8Array): Condition {
  let value: Partial<Condition> | null;
  try {
    value = JSON.parse(Buffer.from(bytes).toString("utf8")) as Partial<Condition> | null;
  } catch (error) {
    throw new XebecError("data_loss", "a value of the bucket `status` is not JSON", { cause: error });
  }
  const texts = [value?.object, value?.controller, value?.type, value?.status, value?.reason, value?.message];
  if (texts.every((each) => typeof each === "string")) return value as Condition;
  throw new XebecError("data_loss", "a value of the bucket `status` is not a condition");
}
