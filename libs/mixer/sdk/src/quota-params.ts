import {
  duration,
  field,
  int64,
  list,
  map,
  message,
  required,
  type Static,
  string,
  type Violation,
} from "@xebec/model-schema";
import type { ValidationContext } from "./adapter.ts";
import { durationMs } from "./params.ts";

const WINDOW = "The window in which it is counted; absent: units are held until they are given back.";

/**
 * The parameters of memquota (docs/reference/mixer.md §6.3), which other adapters of quotas take, too.
 * @param adapter its name, before the names of its messages
 * @param limit what `maxAmount` means
 */
export function quotaParams(adapter: string, limit: string) {
  const Override = message(`${adapter}.Params.Override`, {
    dimensions: field(map(string()), "The dimensions for which it holds, each with its value."),
    maxAmount: field(int64(), "The limit for these dimensions."),
    validDuration: field(duration(), WINDOW),
  });
  const Quota = message(`${adapter}.Params.Quota`, {
    name: required(string({ minLength: 1 }), "The full name of a quota instance, `NAME.KIND.NAMESPACE`."),
    maxAmount: field(int64(), limit),
    validDuration: field(duration(), WINDOW),
    overrides: field(list(Override), "Other limits for some dimensions; the first that matches holds."),
  });
  return message(`${adapter}.Params`, {
    quotas: field(list(Quota), "The quotas."),
    minDeduplicationDuration: field(duration(), "How long answers are remembered for repeated requests."),
  });
}

export type QuotaParams = Static<ReturnType<typeof quotaParams>>;

/** Finds what their schema cannot. */
export function quotaViolations(
  { quotas = [], minDeduplicationDuration = "1s" }: QuotaParams,
  { instances }: Pick<ValidationContext, "instances">,
): Violation[] {
  const violations: Violation[] = [];
  if (durationMs(minDeduplicationDuration) <= 0)
    violations.push({ path: ["minDeduplicationDuration"], message: "must be longer than 0" });
  const window = (text: string | undefined, path: Violation["path"]): void => {
    if (text !== undefined && durationMs(text) < 0) violations.push({ path, message: "must not be negative" });
  };
  for (const [i, { validDuration, overrides = [] }] of quotas.entries()) {
    window(validDuration, ["quotas", i, "validDuration"]);
    for (const [j, each] of overrides.entries())
      window(each.validDuration, ["quotas", i, "overrides", j, "validDuration"]);
  }
  for (const { name } of instances)
    if (!quotas.some((each) => each.name === name))
      violations.push({ path: ["quotas"], message: `none is named ${name}, which a rule sends to this handler` });
  return violations;
}
