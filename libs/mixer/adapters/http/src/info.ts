import {
  describeAdapter,
  duration,
  durationMs,
  enumeration,
  field,
  int32,
  map,
  message,
  type Static,
  string,
  type Violation,
} from "@xebec/mixer-sdk";
import { urlViolations } from "@xebec/mixer-sinks";

const Params = message("http.Params", {
  url: field(
    string(),
    "Where records are sent, http or https. A user and a password in it are sent as basic authentication.",
  ),
  method: field(enumeration(["POST", "PUT"]), "The method."),
  format: field(
    enumeration(["NDJSON", "JSON", "CLOUDEVENTS"]),
    "How records are written: one JSON object per line, a JSON list, or a batch of CloudEvents 1.0.",
  ),
  headers: field(map(string()), "Headers of each request, for example `authorization`."),
  compression: field(enumeration(["NONE", "GZIP"]), "Whether bodies are packed."),
  batchSize: field(int32({ minimum: 1, maximum: 10_000 }), "A request has at most so many records."),
  flushInterval: field(duration(), "How long records gather before they are sent."),
  timeout: field(duration(), "How long one request may take."),
});
export type HttpParams = Static<typeof Params>;

/** Headers that the adapter makes itself. */
const OWN = new Set(["content-length", "content-type", "content-encoding", "host", "connection", "transfer-encoding"]);

/** Sends what rules report to an HTTP server, as JSON. */
export const http = describeAdapter({
  name: "http",
  description: "sends metrics, log entries and spans to an HTTP server, as JSON",
  templates: ["metric", "logentry", "tracespan"],
  config: Params,
  defaults: {
    method: "POST",
    format: "NDJSON",
    headers: {},
    compression: "NONE",
    batchSize: 1_000,
    flushInterval: "1s",
    timeout: "10s",
  },
  validate({ url = "", headers = {}, flushInterval = "1s", timeout = "10s" }, { limits }) {
    const violations: Violation[] = urlViolations(["url"], url, limits);
    for (const [name, value] of Object.entries(headers)) {
      if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name))
        violations.push({ path: ["headers", name], message: "is not the name of a header" });
      else if (OWN.has(name.toLowerCase()))
        violations.push({ path: ["headers", name], message: "is set by the adapter itself" });
      if (/[^\t\x20-\x7e\x80-\xff]/.test(value))
        violations.push({ path: ["headers", name], message: "has characters that a header cannot have" });
    }
    if (durationMs(flushInterval) < 0) violations.push({ path: ["flushInterval"], message: "must not be negative" });
    if (durationMs(timeout) <= 0) violations.push({ path: ["timeout"], message: "must be positive" });
    return violations;
  },
});
