import { randomUUID } from "node:crypto";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  RateLimitResponse_Code as Code,
  RateLimitResponseSchema,
  RateLimitService,
} from "@xebec/api-envoy/envoy/service/ratelimit/v3/rls";
import { XebecError } from "@xebec/core-errors";
import type { Snapshot } from "@xebec/mixer-runtime";
import type { QuotaResult } from "@xebec/mixer-sdk";
import { MutableBag, type StringMap } from "@xebec/model-attributes";
import { describedBy, type GrpcService, rawUnary } from "@xebec/platform-grpc";
import { deriveWorkload } from "./derive.ts";
import { type RateLimitEntry, RateLimitRequestReader } from "./rate-limit-request.ts";
import { fromText } from "./request-attributes.ts";
import { type MixerServiceParts, snapshotOf } from "./service-parts.ts";

const PATH = "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit";
const RESOURCE_EXHAUSTED = 8;

/**
 * `envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit`: Envoy's rate limit filters, over the quotas of Mixer's handlers. The domain is the
 * name of the quota instance. Each descriptor takes from it once: an entry whose key is the name of an attribute is that attribute, and all entries
 * are `request.headers` too, so that `request.headers["PATH"]` is the entry `PATH`. A quota that no rule has does not limit.
 */
export function rateLimitService({ runtime, index, shedder, meters }: MixerServiceParts): GrpcService {
  const bagOf = (snapshot: Snapshot, entries: readonly RateLimitEntry[]): MutableBag => {
    const { layout } = snapshot;
    const bag = new MutableBag(layout);
    bag.derive = deriveWorkload(index, layout);
    for (const { key, value } of entries) {
      const slot = layout.find(key);
      const own = slot < 0 ? undefined : fromText(layout.types[slot] ?? "STRING", value);
      if (own !== undefined) bag.set(key, own);
    }
    return bag.set("request.headers", mapOf(entries));
  };
  const reader = new RateLimitRequestReader();
  const method = rawUnary(PATH, async (bytes) => {
    const { domain, descriptors } = reader.read(bytes);
    if (domain === "") throw new XebecError("invalid_argument", "domain is required: the name of a quota instance");
    shedder.admit(1);
    const since = shedder.begin();
    try {
      const snapshot = snapshotOf(runtime);
      const granted = await Promise.all(
        descriptors.map(({ entries, amount }): QuotaResult | Promise<QuotaResult> => {
          const args = { amount, bestEffort: false, deduplicationId: randomUUID() };
          return amount === 0 ? { amount: 0, validMs: 0 } : snapshot.quota(bagOf(snapshot, entries), domain, args);
        }),
      );
      const statuses = descriptors.map(({ amount }, i) => ({
        code: (granted[i] as QuotaResult).amount >= amount ? Code.OK : Code.OVER_LIMIT,
      }));
      const isOver = statuses.some(({ code }) => code === Code.OVER_LIMIT);
      meters.check(isOver ? RESOURCE_EXHAUSTED : 0);
      const overallCode = isOver ? Code.OVER_LIMIT : Code.OK;
      return toBinary(RateLimitResponseSchema, create(RateLimitResponseSchema, { overallCode, statuses }));
    } finally {
      shedder.end(since);
    }
  });
  return describedBy(method, [RateLimitService.file]);
}

function mapOf(entries: readonly RateLimitEntry[]): StringMap {
  const map = new Map(entries.map(({ key, value }) => [key, value]));
  return { get: (key) => map.get(key), entries: () => map };
}
