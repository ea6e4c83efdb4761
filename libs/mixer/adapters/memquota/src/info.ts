import {
  describeAdapter,
  duration,
  durationMs,
  field,
  int64,
  list,
  map,
  message,
  required,
  type Static,
  string,
  type Violation,
} from "@xebec/mixer-sdk";

const Override = message("memquota.Params.Override", {
  dimensions: field(map(string()), "The dimensions for which it holds, each with its value."),
  maxAmount: field(int64(), "The limit for these dimensions."),
  validDuration: field(
    duration(),
    "The window in which it is counted; absent: units are held until they are given back.",
  ),
});

const Quota = message("memquota.Params.Quota", {
  name: required(string({ minLength: 1 }), "The full name of a quota instance, `NAME.KIND.NAMESPACE`."),
  maxAmount: field(int64(), "The limit."),
  validDuration: field(
    duration(),
    "The window in which it is counted; absent: units are held until they are given back.",
  ),
  overrides: field(list(Override), "Other limits for some dimensions; the first that matches holds."),
});

const Params = message("memquota.Params", {
  quotas: field(list(Quota), "The quotas."),
  minDeduplicationDuration: field(duration(), "How long answers are remembered for repeated requests."),
});
export type MemquotaParams = Static<typeof Params>;

/** Counts quotas in the memory of one process (docs/reference/mixer.md §6.3). */
export const memquota = describeAdapter({
  name: "memquota",
  description: "counts quotas in memory; each replica of the service counts on its own",
  templates: ["quota"],
  config: Params,
  defaults: { minDeduplicationDuration: "1s" },
  validate({ quotas = [], minDeduplicationDuration = "1s" }, { instances }) {
    const violations: Violation[] = [];
    if (durationMs(minDeduplicationDuration) <= 0)
      violations.push({ path: ["minDeduplicationDuration"], message: "must be longer than 0" });
    for (const { name } of instances)
      if (!quotas.some((each) => each.name === name))
        violations.push({ path: ["quotas"], message: `none is named ${name}, which a rule sends to this handler` });
    return violations;
  },
});
