import { type Adapter, type CheckResult, durationMs, implementAdapter, RPC } from "@xebec/mixer-sdk";
import { directOf } from "./direct.ts";
import { denier } from "./info.ts";

/** Makes the adapter (docs/reference/mixer.md §6.1). */
export function createAdapter(): Adapter {
  return implementAdapter(denier, ({ status = {}, validDuration = "5s", validUseCount = 1000 }) => {
    const direct = directOf(status.details ?? []);
    const result: CheckResult = {
      code: status.code ?? RPC.FAILED_PRECONDITION,
      message: status.message ?? "",
      validMs: durationMs(validDuration),
      validUses: validUseCount,
      ...(direct ? { direct } : {}),
    };
    return { check: () => result, quota: () => ({ amount: 0, validMs: 0 }) };
  });
}
