import { CheckRequest_QuotaParamsSchema } from "@xebec/api-mesh/istio/mixer/v1/mixer";
import { XebecError } from "@xebec/core-errors";
import type { Int64 } from "@xebec/model-attributes";
import { fieldNumbers, fieldTag, MAP_ENTRY, type Wire } from "@xebec/model-attributes/wire";

const KEY_TAG = fieldTag(MAP_ENTRY.key, "lengthDelimited");
const VALUE_TAG = fieldTag(MAP_ENTRY.value, "lengthDelimited");
const PARAMS = fieldNumbers(CheckRequest_QuotaParamsSchema);
const AMOUNT_TAG = fieldTag(PARAMS.amount, "varint");
const BEST_EFFORT_TAG = fieldTag(PARAMS.bestEffort, "varint");

/** Units of a quota that a caller asks for. */
export interface QuotaRequest {
  name: string;
  amount: number;
  bestEffort: boolean;
}

/** The quotas of one request by name. */
export type QuotaRequests = Map<string, QuotaRequest>;

/** Most quotas of one request: each is asked for by itself. */
const MOST = 100;

/**
 * Reads an entry of map<string, QuotaParams>. As in every map of protobuf the last entry of a name counts.
 * @throws XebecError resource_exhausted when there are too many
 */
export function addQuota(into: QuotaRequests, wire: Wire): void {
  const quota = readQuota(wire);
  into.set(quota.name, quota);
  if (into.size > MOST)
    throw new XebecError("resource_exhausted", `a Check may ask for ${MOST} quotas; this one asks for more`);
}

function readQuota(wire: Wire): QuotaRequest {
  const out: QuotaRequest = { name: "", amount: 0, bestEffort: false };
  const stop = wire.length() + wire.pos;
  while (wire.pos < stop) {
    const tag = wire.uint32();
    if (tag === KEY_TAG) out.name = wire.text();
    else if (tag === VALUE_TAG) {
      const end = wire.length() + wire.pos;
      while (wire.pos < end) {
        const inner = wire.uint32();
        if (inner === AMOUNT_TAG) out.amount = Number(wire.int64());
        else if (inner === BEST_EFFORT_TAG) out.bestEffort = wire.uint32() !== 0;
        else wire.skip(inner & 7);
      }
    } else wire.skip(tag & 7);
  }
  return out;
}

const GREATEST = 2n ** 63n - 1n;

/** An amount as int64: beyond 2^53 numbers are rounded, and the greatest amount would become a negative one. */
export function int64Of(amount: number): Int64 {
  if (Number.isSafeInteger(amount)) return amount;
  const exact = BigInt(amount);
  return exact > GREATEST ? GREATEST : exact;
}
