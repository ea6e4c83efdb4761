import { describeAdapter } from "@xebec/mixer-sdk";
import { Params } from "./config.ts";
import { validateParams, validateTogether } from "./validate.ts";

/** Exposes metrics for Prometheus to scrape (docs/reference/mixer.md §6.5). */
export const prometheus = describeAdapter({
  name: "prometheus",
  description: "exposes metrics for Prometheus to scrape",
  templates: ["metric"],
  config: Params,
  ports: { metrics: { port: 42_422, description: "the metrics of the mesh, under /metrics" } },
  validate: (params, { instances }) => validateParams(params, instances),
  validateTogether,
});
