import type { AttributeValue } from "@xebec/model-attributes";

/** The rpc codes that adapters use most (google.rpc.Code). */
export const RPC = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

/** The answer that a denied HTTP request gets instead of the default one. */
export interface DirectResponse {
  /** HTTP status; 0 takes the one of the rpc code. */
  readonly code: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** An adapter's answer to a check. A bare OK without validity counts as no answer. */
export interface CheckResult {
  /** google.rpc.Code; 0 allows. */
  readonly code: number;
  /** Why it was denied, for the caller to read. */
  readonly message: string;
  /** How long the caller may reuse the answer, in milliseconds. */
  readonly validMs: number;
  /** How often the caller may reuse the answer. */
  readonly validUses: number;
  readonly direct?: DirectResponse;
  /** Of a template with output: its fields by their keys, for header operations of rules. */
  readonly output?: Readonly<Record<string, AttributeValue>>;
}

export interface QuotaArgs {
  /** The same for a request and its retries; may be empty. */
  readonly deduplicationId: string;
  /** Units wanted; negative gives back. */
  readonly amount: number;
  /** Whether fewer units than wanted will do. */
  readonly bestEffort: boolean;
}

export interface QuotaResult {
  /** Units granted; 0 refuses. */
  readonly amount: number;
  readonly validMs: number;
}
