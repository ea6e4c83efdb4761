import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { adapterRows, flagRows, metricRows, table, templateRows } from "./coverage.testkit.ts";

const PAGE = new URL("../../../../docs/mixer-coverage.md", import.meta.url);

/** Known gaps, so that none is added unseen: fields that no test of their adapter names. */
const UNTESTED: ReadonlySet<string> = new Set([
  "denier: status.details[].@type",
  "dogstatsd: sampleRate",
  "fluentd: instanceBufferSize",
  "fluentd: maxBatchSizeBytes",
  "fluentd: pushTimeoutDuration",
  "fluentd: requireAck",
  "http: batchSize",
  "http: flushInterval",
  "http: timeout",
  "loki: batchSize",
  "loki: flushInterval",
  "loki: timeout",
  "nats: password",
  "nats: token",
  "nats: user",
  "opentelemetry: compression",
  "opentelemetry: metrics[].description",
  "opentelemetry: sampleProbability",
  "opentelemetry: timeout",
  "prometheus: metricsExpirationPolicy.expiryCheckIntervalDuration",
  "signalfx: enableMetrics",
  "signalfx: enableTracing",
  "signalfx: tracingBufferSize",
  "signalfx: tracingSampleProbability",
  "solarwinds: appopticsBatchSize",
  "solarwinds: papertrailLocalRetentionDuration",
  "stackdriver: appCredentials",
  "stackdriver: logInfo[].httpMapping.localIp",
  "stackdriver: logInfo[].httpMapping.referer",
  "stackdriver: logInfo[].httpMapping.remoteIp",
  "stackdriver: logInfo[].httpMapping.requestSize",
  "stackdriver: logInfo[].httpMapping.responseSize",
  "stackdriver: logInfo[].httpMapping.userAgent",
  "stackdriver: logInfo[].sinkInfo.UniqueWriterIdentity",
  "stackdriver: logInfo[].sinkInfo.UpdateDestination",
  "stackdriver: logInfo[].sinkInfo.UpdateIncludeChildren",
  "stackdriver: metricInfo[].buckets.exponentialBuckets",
  "stackdriver: metricInfo[].buckets.exponentialBuckets.growthFactor",
  "stackdriver: metricInfo[].buckets.exponentialBuckets.numFiniteBuckets",
  "stackdriver: metricInfo[].buckets.exponentialBuckets.scale",
  "stackdriver: metricInfo[].buckets.linearBuckets",
  "stackdriver: metricInfo[].buckets.linearBuckets.numFiniteBuckets",
  "stackdriver: metricInfo[].buckets.linearBuckets.offset",
  "stackdriver: metricInfo[].buckets.linearBuckets.width",
  "stackdriver: pushInterval",
  "stackdriver: serviceAccountPath",
  "stdio: maxDaysBeforeRotation",
]);

function page(): string {
  return [
    "# What of Mixer is served",
    "",
    "Every template, adapter, field, flag and metric of [reference/mixer.md](reference/mixer.md) §5, §6 and §8, and what Xebec adds, each with the",
    "test that has it. A test makes this page from the schemas (`libs/mixer/server/src/coverage.test.ts`); `UPDATE_GOLDEN=1` writes it anew.",
    "",
    "## Templates",
    "",
    table("Template", templateRows()),
    "",
    "## Adapters",
    "",
    table("Adapter", adapterRows()),
    "",
    "## Flags of mixs server",
    "",
    table("Flag", flagRows()),
    "",
    "## Metrics",
    "",
    table("Metric", metricRows()),
    "",
  ].join("\n");
}

describe("docs/mixer-coverage.md", () => {
  it("is what the schemas say", () => {
    const made = page();
    if (process.env.UPDATE_GOLDEN === "1") writeFileSync(PAGE, made);
    assert.equal(readFileSync(PAGE, "utf8"), made, "run this test again with UPDATE_GOLDEN=1");
  });

  it("names a test for everything that is served", () => {
    const rows = [...templateRows(), ...adapterRows(), ...metricRows()];
    const missing = rows.filter(
      ({ served, test, name }) => test === "" && !/^(?:accepted|no\b)/.test(served) && !UNTESTED.has(name),
    );
    assert.deepEqual(
      missing.map(({ name }) => name),
      [],
    );
  });
});
