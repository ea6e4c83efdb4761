import { describeAdapter, type QuotaParams, quotaParams, quotaViolations } from "@xebec/mixer-sdk";

export type MemquotaParams = QuotaParams;

/** Counts quotas in the memory of one process (docs/reference/mixer.md §6.3). */
export const memquota = describeAdapter({
  name: "memquota",
  description: "counts quotas in memory; each replica of the service counts on its own",
  templates: ["quota"],
  config: quotaParams("memquota", "The limit."),
  defaults: { minDeduplicationDuration: "1s" },
  validate: quotaViolations,
});
