import { describeAdapter, double, field, message, type Static, string } from "@xebec/mixer-sdk";
import { urlViolations } from "@xebec/mixer-sinks";

const Params = message("zipkin.Params", {
  url: field(string(), "Where spans are sent, such as `http://zipkin:9411/api/v2/spans`."),
  sampleProbability: field(
    double({ minimum: 0, maximum: 1 }),
    "The share of the traces that is sent, from 0 to 1; nothing is sent when it is absent.",
  ),
});
export type ZipkinParams = Static<typeof Params>;

/** Sends spans to a Zipkin server (docs/reference/mixer.md §6.18). */
export const zipkin = describeAdapter({
  name: "zipkin",
  description: "sends spans to a Zipkin server",
  templates: ["tracespan"],
  config: Params,
  defaults: { sampleProbability: 0 },
  validate: ({ url = "" }, { limits }) => urlViolations(["url"], url, limits),
});
