import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { adapterRows, flagRows, metricRows, table, templateRows } from "./coverage.testkit.ts";

const PAGE = new URL("../../../../docs/mixer-coverage.md", import.meta.url);

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
    const missing = rows.filter(({ served, test }) => test === "" && !/^(?:accepted|no\b)/.test(served));
    assert.deepEqual(
      missing.map(({ name }) => name),
      [],
    );
  });
});
