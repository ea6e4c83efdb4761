import {
  describeAdapter,
  duration,
  durationMs,
  field,
  int32,
  list,
  map,
  message,
  type Static,
  string,
  type Violation,
} from "@xebec/mixer-sdk";
import { parseGoTemplate, urlViolations } from "@xebec/mixer-sinks";

const LogInfo = message("loki.Params.LogInfo", {
  labels: field(
    list(string()),
    "Variables that are labels of the stream. Few values each: every combination is a stream of its own.",
  ),
  metadata: field(list(string()), "Variables that are structured metadata of the line."),
  payloadTemplate: field(
    string(),
    "The line, a template over the variables; JSON of the variables that are no label when absent.",
  ),
});

const Params = message("loki.Params", {
  url: field(
    string(),
    "Loki's address, such as `http://loki.monitoring:3100`; entries go to `/loki/api/v1/push` below it.",
  ),
  tenant: field(string(), "The tenant, the header `X-Scope-OrgID`; empty for none."),
  bearerToken: field(string(), "Is sent as the bearer token of each request; empty for none."),
  labels: field(map(string()), "Labels of every stream."),
  logs: field(map(LogInfo), "How entries are written, by the full name of their instance; others have its defaults."),
  batchSize: field(int32({ minimum: 1, maximum: 10_000 }), "A request has at most so many lines."),
  flushInterval: field(duration(), "How long lines gather before they are sent."),
  timeout: field(duration(), "How long one request may take."),
});
export type LokiParams = Static<typeof Params>;

const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** Sends log entries to Grafana Loki. */
export const loki = describeAdapter({
  name: "loki",
  description: "sends log entries to Grafana Loki",
  templates: ["logentry"],
  config: Params,
  defaults: {
    ...{ tenant: "", bearerToken: "", labels: { job: "mixer" }, logs: {} },
    ...{ batchSize: 1_000, flushInterval: "1s", timeout: "10s" },
  },
  validate({ url = "", labels = {}, logs = {}, flushInterval = "1s", timeout = "10s" }, { instances, limits }) {
    const violations: Violation[] = urlViolations(["url"], url, limits);
    for (const name of Object.keys(labels))
      if (!LABEL.test(name)) violations.push({ path: ["labels", name], message: "is not the name of a label" });
    for (const [name, { labels: own = [], metadata = [], payloadTemplate = "" }] of Object.entries(logs)) {
      const known = instances.find((each) => each.name === name)?.maps.variables;
      const check = (key: string, names: readonly string[]): void => {
        const missing = known ? names.filter((each) => !Object.hasOwn(known, each)) : [];
        if (missing.length > 0)
          violations.push({ path: ["logs", name, key], message: `the instance has no variable ${missing.join(", ")}` });
      };
      check("labels", own);
      check("metadata", metadata);
      try {
        check("payloadTemplate", parseGoTemplate(payloadTemplate).names);
      } catch (error) {
        violations.push({ path: ["logs", name, "payloadTemplate"], message: (error as Error).message });
      }
    }
    if (Object.keys(labels).length === 0 && Object.values(logs).some(({ labels: own = [] }) => own.length === 0))
      violations.push({ path: ["labels"], message: "must have one label at least: Loki takes no stream without" });
    if (durationMs(flushInterval) < 0) violations.push({ path: ["flushInterval"], message: "must not be negative" });
    if (durationMs(timeout) <= 0) violations.push({ path: ["timeout"], message: "must be positive" });
    return violations;
  },
});
