import { PermissionViolationError } from "@nats-io/transport-node";
import { XebecError } from "@xebec/core-errors";

/** Says whether the server does not permit something, so that trying again is of no use. */
export function isPermissionViolation(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof PermissionViolationError) return true;
  return false;
}

/** @returns undefined for an error that is not about permission */
export function permissionError(error: unknown, bucket: string, what: "read" | "write"): XebecError | undefined {
  return isPermissionViolation(error)
    ? new XebecError("permission_denied", `this service may not ${what} the bucket "${bucket}" of the bus`, {
        cause: error,
      })
    : undefined;
}
