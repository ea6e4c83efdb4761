import { describeAdapter, type QuotaParams, quotaParams, quotaViolations } from "@xebec/mixer-sdk";

export type NatsquotaParams = QuotaParams;
export type NatsQuota = NonNullable<NatsquotaParams["quotas"]>[number];

/** Counts quotas on the bus, with the parameters of memquota: all replicas together grant what one would. */
export const natsquota = describeAdapter({
  name: "natsquota",
  description: "counts quotas on the bus; all replicas of the service share them",
  templates: ["quota"],
  config: quotaParams("natsquota", "The limit, of all replicas together."),
  defaults: { minDeduplicationDuration: "1s" },
  // A limit that cannot be looked up holds: nothing is granted.
  failure: { open: false, timeout: "2s" },
  validate: quotaViolations,
});
