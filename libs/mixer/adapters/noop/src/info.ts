import { describeAdapter, message } from "@xebec/mixer-sdk";

/** Does nothing: checks pass and quotas are granted for about 31 years (docs/reference/mixer.md §6.10). */
export const noop = describeAdapter({
  name: "noop",
  description: "does nothing: every check passes, every quota is granted, reports go nowhere",
  templates: [
    "authorization",
    "checknothing",
    "reportnothing",
    "listentry",
    "logentry",
    "metric",
    "quota",
    "tracespan",
  ],
  config: message("noop.Params", {}),
});
