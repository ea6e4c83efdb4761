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

const Override = message("natsquota.Params.Override", {
  dimensions: field(map(string()), "The dimensions for which it holds, each with its value."),
  maxAmount: field(int64(), "The limit for these dimensions."),
  validDuration: field(
    duration(),
    "The window in which it is counted; absent: units are held until they are given back.",
  ),
});

const Quota = message("natsquota.Params.Quota", {
  name: required(string({ minLength: 1 }), "The full name of a quota instance, `NAME.KIND.NAMESPACE`."),
  maxAmount: field(int64(), "The limit, of all replicas together."),
  validDuration: field(
    duration(),
    "The window in which it is counted; absent: units are held until they are given back.",
  ),
  overrides: field(list(Override), "Other limits for some dimensions; the first that matches holds."),
});

const Params = message("natsquota.Params", {
  quotas: field(list(Quota), "The quotas."),
  minDeduplicationDuration: field(duration(), "How long answers are remembered for repeated requests."),
});
export type NatsquotaParams = Static<typeof Params>;
export type NatsQuota = NonNullable<NatsquotaParams["quotas"]>[number];

/** Counts quotas on the bus, with the parameters of memquota: all replicas together grant what one would. */
export const natsquota = describeAdapter({
  name: "natsquota",
  description: "counts quotas on the bus; all replicas of the service share them",
  templates: ["quota"],
  config: Params,
  defaults: { minDeduplicationDuration: "1s" },
  // A limit that cannot be looked up holds: nothing is granted.
  failure: { open: false, timeout: "2s" },
  validate({ quotas = [], minDeduplicationDuration = "1s" }, { instances }) {
    const violations: Violation[] = [];
    if (durationMs(minDeduplicationDuration) <= 0)
      violations.push({ path: ["minDeduplicationDuration"], message: "must be longer than 0" });
    for (const [i, { validDuration }] of quotas.entries())
      if (validDuration !== undefined && durationMs(validDuration) < 0)
        violations.push({ path: ["quotas", i, "validDuration"], message: "must not be negative" });
    for (const { name } of instances)
      if (!quotas.some((each) => each.name === name))
        violations.push({ path: ["quotas"], message: `none is named ${name}, which a rule sends to this handler` });
    return violations;
  },
});
