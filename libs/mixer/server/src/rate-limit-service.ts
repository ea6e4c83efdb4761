import { randomUUID } from "node:crypto";
import { RateLimitResponse_Code as Code, RateLimitService } from "@xebec/api-envoy/envoy/service/ratelimit/v3/rls";
import { XebecError } from "@xebec/core-errors";
import type { Snapshot } from "@xebec/mixer-runtime";
import type { QuotaResult } from "@xebec/mixer-sdk";
import { MutableBag, type StringMap } from "@xebec/model-attributes";
import { type GrpcService, service } from "@xebec/platform-grpc";
import { deriveWorkload } from "./derive.ts";
import { fromText } from "./request-attributes.ts";
import { type MixerServiceParts, snapshotOf } from "./service-parts.ts";

/** Most descriptors of a request, and entries of a descriptor: each descriptor is a quota that is asked by itself. */
const MOST = 100;
const RESOURCE_EXHAUSTED = 8;

interface Entry {
  readonly key: string;
  readonly value: string;
}

/**
 * `envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit`: Envoy's rate limit filters, over the quotas of Mixer's handlers. The domain is the
 * name of the quota instance. Each descriptor takes from it once: an entry whose key is the name of an attribute is that attribute, and all entries
 * are `request.headers` too, so that `request.headers["PATH"]` is the entry `PATH`. A quota that no rule has does not limit.
 */
export function rateLimitService({ runtime, index, shedder, meters }: MixerServiceParts): GrpcService {
  const bagOf = (snapshot: Snapshot, entries: readonly Entry[]): MutableBag => {
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
  return service(RateLimitService, {
    async shouldRateLimit({ domain, descriptors, hitsAddend }) {
      if (domain === "") throw new XebecError("invalid_argument", "domain is required: the name of a quota instance");
      if (descriptors.length > MOST || descriptors.some(({ entries }) => entries.length > MOST))
        throw new XebecError("invalid_argument", `a request may have ${MOST} descriptors of ${MOST} entries`);
      shedder.admit(1);
      const since = shedder.begin();
      try {
        const snapshot = snapshotOf(runtime);
        const results = await Promise.all(
          descriptors.map(({ entries, hitsAddend: own }): QuotaResult | Promise<QuotaResult> => {
            const amount = Number(own ?? (hitsAddend || 1));
            const args = { amount, bestEffort: false, deduplicationId: randomUUID() };
            return amount === 0 ? { amount: 0, validMs: 0 } : snapshot.quota(bagOf(snapshot, entries), domain, args);
          }),
        );
        const statuses = results.map(({ amount }, i) => {
          const { hitsAddend: own } = descriptors[i] as (typeof descriptors)[0];
          return { code: amount >= Number(own ?? (hitsAddend || 1)) ? Code.OK : Code.OVER_LIMIT };
        });
        const isOver = statuses.some(({ code }) => code === Code.OVER_LIMIT);
        meters.check(isOver ? RESOURCE_EXHAUSTED : 0);
        return { overallCode: isOver ? Code.OVER_LIMIT : Code.OK, statuses };
      } finally {
        shedder.end(since);
      }
    },
  });
}

function mapOf(entries: readonly Entry[]): StringMap {
  const map = new Map(entries.map(({ key, value }) => [key, value]));
  return { get: (key) => map.get(key), entries: () => map };
}
